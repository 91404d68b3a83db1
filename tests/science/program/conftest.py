"""Real jobs, ready to run: fits of trees, predictions with them, relaxations of small crystals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiida_mlhull.science.types import Decisions, Labels
from aiida_mlhull.science.wire import JobFolder
from tests.arsenides import choice, every_sixth, smallest
from tests.science.program.jobs import Prepared, prepared


def fit_folder(path: Path, *, record: Labels | None = None, **settings: Any) -> Prepared:
    """A folder for ``mlhull-job fit``; keyword arguments override settings."""
    defaults: dict[str, Any] = {
        "cells": {"cells_a.parquet": "Candidates"},
        "labels": ["labels_a.parquet"],
        "ensemble": {"model": "trees_gp", "members": 3},
        "members": [0],
        "seed": 7,
        "processes": 1,
    }
    excerpt = every_sixth()
    tables = {
        "cells_a.parquet": excerpt.candidates,
        "labels_a.parquet": excerpt.record if record is None else record,
        "references.parquet": excerpt.references,
    }
    return prepared(path, "fit", defaults | settings, tables)


@pytest.fixture
def fit_job(tmp_path: Path) -> Callable[..., Prepared]:
    """Make a folder for ``mlhull-job fit``."""
    return lambda name="fit", **settings: fit_folder(tmp_path / name, **settings)


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    """The folder of an ensemble of two that was fitted once."""
    job = fit_folder(
        tmp_path_factory.mktemp("fitted") / "fit", members=[0, 1], ensemble={"model": "trees_gp", "members": 2}
    )
    assert job.run_here().status == 0
    return job.folder


@pytest.fixture
def predict_job(tmp_path: Path, fitted: JobFolder) -> Callable[..., Prepared]:
    """Make a folder for ``mlhull-job predict``; keyword arguments override settings."""

    def make(name: str = "predict", *, pool: Decisions | None = None, **settings: Any) -> Prepared:
        excerpt = every_sixth()
        tables: dict[str, Any] = {"cells.parquet": excerpt.candidates, "references.parquet": excerpt.references}
        if pool is not None:
            tables["pool.parquet"] = pool
        given = {"cells": {"cells.parquet": "Candidates"}, "rows": "all" if pool is None else "kept"} | settings
        job = prepared(tmp_path / name, "predict", given, tables)
        for path in [fitted.path / "ensemble.json", *fitted.path.glob("member_*.safetensors")]:
            job.folder.write_bytes(path.name, path.read_bytes())
        return job

    return make


def relax_folder(path: Path, *, rows: list[int] | None = None, **settings: Any) -> Prepared:
    """A folder for ``mlhull-job relax``: the six smallest crystals, a few steps each."""
    cells = every_sixth().candidates
    defaults: dict[str, Any] = {
        "cells": {"cells.parquet": "Candidates"},
        "stage": "potential",
        "how": {"relaxation": {"freedom": "volume", "max_force": 0.1, "max_steps": 5}},
        "processes": 1,
    }
    pool = choice(cells, smallest(cells, 6) if rows is None else rows)
    return prepared(path, "relax", defaults | settings, {"cells.parquet": cells, "pool.parquet": pool})


@pytest.fixture
def relax_job(tmp_path: Path) -> Callable[..., Prepared]:
    """Make a folder for ``mlhull-job relax``; keyword arguments override settings."""
    return lambda name="relax", **settings: relax_folder(tmp_path / name, **settings)
