"""The road from a folder of CIF files to a report, in small."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_stranger_arrives(tmp_path):
    pytest.importorskip("chgnet", reason="relaxes by the extra 'potential'")
    command = [
        sys.executable,
        "-m",
        "benchmarks.strangers_road",
        tmp_path / "road",
        "--crystals",
        "6",
        "--system",
        "Ti-N",
    ]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert 0 < told["crystals"] <= 6
    assert any(page.startswith("report/") for page in told["pages"])
    rows = list(csv.DictReader((tmp_path / "road" / "phases.csv").open()))
    assert len(rows) == told["crystals"]
    assert {"chemical_potential_windows_ev", "underexplored", "phase_separation_energy_ev_per_atom"} <= set(rows[0])
    assert (tmp_path / "road" / "ti-n" / "campaign.yaml").exists()
    assert ran.stdout.count("\n$ ") == len(told["seconds"]) >= 10
