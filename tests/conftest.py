"""What all tests share: chance without surprises, and an AiiDA profile that needs no service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.services import services, skip_without_services

# Without AiiDA the tests of the science still run, as the science does.
pytest_plugins = ["aiida.tools.pytest_fixtures"] if find_spec("aiida") else []

# The same examples in every run: a failure on one machine is a failure on all.
settings.register_profile("mlhull", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("mlhull")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--services``."""
    what = "keep AiiDA's profiles on PostgreSQL and RabbitMQ instead of SQLite and ZeroMQ"
    parser.addoption("--services", action="store_true", help=what)


@contextmanager
def storage_and_broker(config: pytest.Config, repository: Path) -> Iterator[dict[str, Any]]:
    """Of a profile, as AiiDA's fixture ``aiida_profile_factory`` takes them."""
    if not config.getoption("--services"):
        yield {"broker_backend": "core.zeromq"}
        return
    skip_without_services()
    with services(repository) as backends:
        yield backends


@pytest.fixture(scope="session", autouse=True)
def aiida_profile(request, tmp_path_factory, aiida_config, aiida_profile_factory):
    """A temporary profile, loaded for the whole session; SQLite and the ZeroMQ broker unless ``--services`` is given."""
    repository = tmp_path_factory.mktemp("repository")
    with (
        storage_and_broker(request.config, repository) as backends,
        aiida_profile_factory(aiida_config, **backends) as profile,
    ):
        profile.set_option("runner.poll.interval", 1)
        begin_beyond_a_thousand()
        yield profile


def begin_beyond_a_thousand() -> None:
    """Let the profile's pks have four digits, as in every profile that is in use: nobody can paste ``1,234``."""
    from aiida import orm
    from aiida.manage import get_manager
    from sqlalchemy import text

    node = orm.Int(0).store()
    session = get_manager().get_profile_storage().get_session()
    session.execute(text("UPDATE db_dbnode SET id = 1233 WHERE id = :pk"), {"pk": node.pk})
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT setval('db_dbnode_id_seq', 1233)"))
    session.commit()


@contextmanager
def profile_beside(request: pytest.FixtureRequest) -> Iterator[Any]:
    """An empty profile, loaded in place of that of all tests. Emptying that one would take away what other modules keep in it."""
    get = request.getfixturevalue
    config, usual = get("aiida_config"), get("aiida_profile")
    with (
        storage_and_broker(request.config, get("tmp_path_factory").mktemp("repository")) as backends,
        get("aiida_profile_factory")(config, **backends) as profile,
    ):
        profile.set_option("runner.poll.interval", 1)
        yield profile
    config.set_default_profile(usual.name)
    config.store()


@pytest.fixture
def empty_profile(request):
    """A profile of the test's own."""
    with profile_beside(request) as profile:
        yield profile


@pytest.fixture(scope="module")
def module_profile(request):
    """A profile of the module's own."""
    with profile_beside(request) as profile:
        yield profile
