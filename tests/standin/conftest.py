"""The potential, loaded once; inputs of small jobs; and a folder in which they have been run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from aiida_mlhull.standin.events import InputTexts
from aiida_mlhull.standin.folder import Folder
from tests.standin.cells import inputs


@pytest.fixture(scope="session")
def network():
    """CHGNet, as the stand-in loads it."""
    pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")
    from aiida_mlhull.standin.entry import load_potential

    return load_potential()


@pytest.fixture
def job(network, tmp_path, monkeypatch) -> Callable[..., tuple[Path, int]]:
    """Run a job in a folder and hand over the folder and the status; a run that kills itself ends with minus nine."""
    from aiida_mlhull.standin.run import run

    class KilledError(Exception):
        pass

    def die(_pid: int, _signal: int) -> None:
        raise KilledError

    def carry_out(*, given: InputTexts | None = None, **asked: Any) -> tuple[Path, int]:
        folder = Folder(tmp_path)
        with monkeypatch.context() as patch, suppress(KilledError):
            patch.setattr("os.kill", die)
            return tmp_path, folder.carry_out(run(given or inputs(**asked), network, stop=folder.stop))
        return tmp_path, -9

    return carry_out
