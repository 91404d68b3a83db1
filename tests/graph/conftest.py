"""One small campaign on a record that really ran, for all questions."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Desk, registered

__all__ = ["finished", "registered"]


@pytest.fixture(scope="package")
def _desk(tmp_path_factory):
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def finished(registered, _desk):
    """A finished campaign in two rounds at one gate, started from Python."""
    from aiida_mlhull import launch

    return launch(_desk.campaign(), foreground=True)
