"""What is written for the program, looked at before it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aiida.engine import run_get_node

from aiida_mlhull.calculations.base import cores
from aiida_mlhull.calculations.fit import FitCalculation


@pytest.fixture
def dry_run(fit_inputs, tmp_path, monkeypatch):
    """Write a fit's folder without running it."""
    monkeypatch.chdir(tmp_path)

    def write(**options: Any) -> Path:
        _, node = run_get_node(
            FitCalculation, **fit_inputs, metadata={"dry_run": True, "store_provenance": False, "options": options}
        )
        return Path(node.dry_run_info["folder"])

    return write


def test_folder_of_a_fit(dry_run):
    folder = dry_run()
    names = {path.name for path in folder.iterdir()}
    assert {"job.json", "cells_a.parquet", "labels_a.parquet", "references.parquet"} <= names
    job = json.loads((folder / "job.json").read_text())
    assert job["task"] == "fit"
    assert job["settings"]["processes"] == 1
    assert job["settings"]["device"] == "cpu"
    assert job["settings"]["stop_after"] is None
    script = (folder / "_aiidasubmit.sh").read_text()
    assert "'fit' '.'" in script
    assert "mpirun" not in script


def test_options_reach_the_program(dry_run):
    resources = {"num_machines": 1, "num_mpiprocs_per_machine": 1, "num_cores_per_mpiproc": 4}
    folder = dry_run(device="auto", max_wallclock_seconds=600, resources=resources)
    settings = json.loads((folder / "job.json").read_text())["settings"]
    assert (settings["processes"], settings["device"], settings["stop_after"]) == (4, "auto", 570.0)


def test_long_jobs_need_no_more_than_minutes_for_their_end(dry_run):
    folder = dry_run(max_wallclock_seconds=86400)
    assert json.loads((folder / "job.json").read_text())["settings"]["stop_after"] == 86280.0


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"num_machines": 1, "num_mpiprocs_per_machine": 1}, 1),
        ({"num_machines": 1, "num_cores_per_mpiproc": 8}, 8),
        ({"parallel_env": "smp", "tot_num_mpiprocs": 6}, 6),
        ({"num_machines": 1, "num_cores_per_mpiproc": None}, 1),
    ],
)
def test_cores(resources, expected):
    assert cores(resources) == expected
