"""Phases of a file are placed on the hull, on the command line."""

from __future__ import annotations

import csv
import json

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import run

ROWS = "id,formula,energy_ev_per_atom\nab,TiN,-8.5\nhigh,Ti2N,-7.4\n"
KNOWN = "id,formula,energy_ev_per_atom\nA,Ti,-7.0\nB,N,-8.0\nab2,TiN2,-8.6\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "mine.csv").write_text(ROWS)
    (tmp_path / "known.csv").write_text(KNOWN)
    (tmp_path / "formation.csv").write_text("id,formula,e_form_ev_per_atom\nab,TiN,-1.0\n")
    return tmp_path


def test_the_list(files):
    said = run("phases", files / "mine.csv", "--references", files / "known.csv").output
    assert "mine.csv: 2 phases read, 2 used" in said
    assert "ab     TiN      -1.0000      0.0000  -0.3000     -0.3000  no" in said
    assert said.index("ab ") < said.index("high ")


def test_one_phase_with_all_that_is_said_of_it(files):
    said = " ".join(run("phases", files / "mine.csv", "Ti2N", "TiN", "-r", files / "known.csv").output.split())
    assert "decomposes into 0.333 Ti (A) + 0.667 TiN (ab)" in said
    assert "phase separation -0.3000 eV/atom, into 0.250 Ti (A) + 0.750 TiN2 (ab2)" in said
    assert "stable for Δμ (eV) N -2.000 to -0.800; Ti -1.200 to 0.000" in said


def test_json_and_files(files):
    rows = json.loads(run("phases", files / "mine.csv", "ab", "-r", files / "known.csv", "--json").stdout)
    assert rows[0]["chemical_potential_windows_ev"]["N"] == pytest.approx([-2.0, -0.8])
    assert rows[0]["competing_phases"] == pytest.approx({"A": 0.25, "ab2": 0.75})
    for name in ("all.csv", "all.parquet", "all.json"):
        assert run("phases", files / "mine.csv", "-r", files / "known.csv", "-o", files / name).exit_code == 0
    with (files / "all.csv").open() as file:
        assert [row["underexplored"] for row in csv.DictReader(file)] == ["false", "false"]
    assert pq.read_table(files / "all.parquet")["signed_distance_ev_per_atom"].to_pylist()[0] == pytest.approx(-0.3)
    assert len(json.loads((files / "all.json").read_text())) == 2


def test_formation_energies_need_no_references(files):
    said = run("phases", files / "formation.csv", "--formation", "--json").stdout
    assert json.loads(said)[0]["phase_separation_energy_ev_per_atom"] == -1.0
    assert json.loads(said)[0]["underexplored"] is True


def test_refusals_say_what_to_do(files):
    assert "no pure N" in run("phases", files / "mine.csv").output
    assert "--scheme" in run("phases", files / "mine.csv", "-r", "mp-elements").output
    agreed = run("phases", files / "mine.csv", "-r", "mp-elements", "--scheme", "mp-pbe-2020")
    assert agreed.exit_code == 0, agreed.output
    assert "no phase here has" in run("phases", files / "mine.csv", "TiO", "-r", files / "known.csv").output
