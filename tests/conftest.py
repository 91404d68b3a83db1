"""What all tests share: chance without surprises, and an AiiDA profile that needs no service."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from hypothesis import settings

# Without AiiDA the tests of the science still run, as the science does.
pytest_plugins = ["aiida.tools.pytest_fixtures"] if find_spec("aiida") else []

# The same examples in every run: a failure on one machine is a failure on all.
settings.register_profile("mlhull", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("mlhull")


@pytest.fixture(scope="session", autouse=True)
def aiida_profile(aiida_config, aiida_profile_factory):
    """A temporary profile with SQLite and the ZeroMQ broker, loaded for the whole session."""
    with aiida_profile_factory(aiida_config, broker_backend="core.zeromq") as profile:
        profile.set_option("runner.poll.interval", 1)
        yield profile


@pytest.fixture
def empty_profile(aiida_profile, aiida_config, aiida_profile_factory):
    """A profile of the test's own. Emptying that of all tests would take away what other modules keep in it."""
    with aiida_profile_factory(aiida_config, broker_backend="core.zeromq") as profile:
        profile.set_option("runner.poll.interval", 1)
        yield profile
    aiida_config.set_default_profile(aiida_profile.name)
    aiida_config.store()
