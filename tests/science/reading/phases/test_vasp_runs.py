"""Folders of VASP's calculations; those of the stand-in that the tests of the engine have recorded."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.reading.phases.vasp_runs import load_runs

RECORDED = Path(__file__).parents[3] / "recorded_vasp"


@pytest.fixture(scope="module")
def finished():
    """Calculations that came to an end."""
    files = sorted(RECORDED.glob("*/*/out/vasprun.xml"))
    whole = [path for path in files if "</modeling>" in path.read_text(errors="replace")[-100:]]
    assert whole
    return whole


def test_the_last_calculation_of_every_folder_is_read(tmp_path, finished):
    for name in ("a", "b/c"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(finished[0], tmp_path / "a" / "vasprun.xml")
    (tmp_path / "b" / "c" / "vasprun.relax2.xml.gz").write_bytes(gzip.compress(finished[0].read_bytes()))
    (tmp_path / "b" / "c" / "vasprun.relax1.xml").write_text("torn")
    loaded = load_runs(tmp_path)
    rows = {**loaded.entries, **loaded.refusals}
    assert set(rows) == {"a", "b/c"}
    assert not any(reason == "broken_entry" for reason, _ in loaded.refusals.values())


def test_torn_files_and_steps_that_ran_out_are_rows(tmp_path, finished):
    torn = finished[0].read_bytes()
    for number, cut in enumerate((0, 200, len(torn) // 2, len(torn) - 40)):
        (tmp_path / f"torn{number}").mkdir()
        (tmp_path / f"torn{number}" / "vasprun.xml").write_bytes(torn[:cut])
    loaded = load_runs(tmp_path)
    assert len(loaded.refusals) == 4
    assert {reason for reason, _ in loaded.refusals.values()} == {"broken_entry"}
    assert all("vasprun.xml can't be read" in detail for _, detail in loaded.refusals.values())


def test_every_recorded_calculation_is_an_entry_or_a_reason():
    loaded = load_runs(RECORDED)
    assert loaded.entries
    assert {one.functional for one in loaded.conventions.values()} <= {"PBE", "PBEsol", "r2SCAN"}
    assert {reason for reason, _ in loaded.refusals.values()} <= {"broken_entry", "run_not_converged"}


def test_folders_without_calculations(tmp_path):
    with pytest.raises(WireError, match="no vasprun"):
        load_runs(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "vasprun.xml").write_text("x")
    (tmp_path / "in" / "vasprun.xml").symlink_to(tmp_path / "vasprun.xml")
    with pytest.raises(WireError, match="links out of the folder: vasprun.xml"):
        load_runs(tmp_path / "in")
