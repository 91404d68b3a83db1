"""Failures on request: who meets them, what cures them, and what is left in the folder."""

from __future__ import annotations

import io

import pytest
from parsevasp.outcar import Outcar
from parsevasp.vasprun import Xml

from aiida_mlhull.standin.inputs import RefusalError
from aiida_mlhull.standin.task import Task
from tests.standin.cells import RELAX, inputs, nitride, rutile

pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")

from aiida_mlhull.standin import faults


def kind(structure=None, **asked):
    given = inputs(structure, **asked)
    task = Task.read(incar=given.incar, poscar=given.poscar, kpoints=given.kpoints, potcar=given.potcar)
    return faults.chosen(given, task).kind


def run_status(folder):
    return Outcar(file_path=str(folder / "OUTCAR")).get_run_status()


@pytest.mark.parametrize(
    ("rule", "of_nitride", "of_oxide"),
    [
        ("", "", ""),
        ("killed", "killed", "killed"),
        ("killed in TiN", "killed", ""),
        ("killed in Ti2N2, O4Ti2", "killed", "killed"),
        ("killed in N-Ti", "killed", ""),
        ("killed in Ti-O-N", "", ""),
        ("killed in TiO2; electronic", "electronic", "killed"),
        ("killed in 100%", "killed", "killed"),
        ("killed in 0% TiO2", "", "killed"),
        ("slow 0.5 in TiN", "slow", ""),
    ],
)
def test_rules_pick_structures(rule, of_nitride, of_oxide):
    assert (kind(nitride(), faults=rule), kind(rutile(), faults=rule)) == (of_nitride, of_oxide)


def test_the_lot_falls_the_same_way_every_time_and_as_often_as_asked():
    cells = [nitride().apply_strain(0.0005 * k, inplace=False) for k in range(60)]
    met = [kind(cell, faults="killed in 40%") for cell in cells]
    assert met == [kind(cell, faults="killed in 40%") for cell in cells]
    assert 12 <= met.count("killed") <= 36


@pytest.mark.parametrize(
    ("rule", "asked", "met"),
    [
        ("killed unless restarted", {}, True),
        ("killed unless restarted", {"restarted": True}, False),
        ("killed in TiN unless NELM=150", {"NELM": 60}, True),
        ("killed in TiN unless nelm=150", {"NELM": 150}, False),
        ("killed unless ALGO=Normal", {"ALGO": "NORMAL"}, False),
        ("killed unless ALGO=Normal", {}, True),
    ],
)
def test_rules_can_be_cured(rule, asked, met):
    assert kind(faults=rule, **asked) == ("killed" if met else "")


@pytest.mark.parametrize(
    "rule", ["burnt", "killed in", "killed unless", "slow", "killed 3", "killed unless tomorrow", "killed in Qq3", "!"]
)
def test_rules_that_cannot_be_understood_stop_the_run(rule, job):
    with pytest.raises(RefusalError, match="fault"):
        kind(faults=rule)
    folder, status = job(faults=rule)
    assert status == 1
    assert "fault" in (folder / "OUTCAR").read_text()


def test_electronic_cycles_that_do_not_converge(job):
    folder, status = job(faults="electronic", **RELAX)
    assert status == 0
    found = run_status(folder)
    assert found["finished"]
    assert found["consistent_nelm_breach"]
    assert not found["electronic_converged"]


@pytest.mark.parametrize(("steps", "whole"), [(40, 2), (2, 1), (1, 0)])
def test_killed_in_the_middle_of_writing(job, steps, whole):
    folder, status = job(faults="killed", **RELAX | {"NSW": steps})
    assert status == -9
    assert not run_status(folder)["finished"]
    text = (folder / "vasprun.xml").read_text()
    assert text.count("</calculation>") == whole
    assert text.count("<calculation>") == whole + 1
    assert (folder / "CONTCAR").read_text().count("\n") == (9 if whole else 0) + (1 if whole else 0)


def test_a_torn_vasprun_beside_a_whole_outcar(job):
    folder, status = job(faults="truncated", **RELAX)
    assert status == 0
    assert run_status(folder)["finished"]
    assert Xml(file_handler=io.BytesIO((folder / "vasprun.xml").read_bytes())).truncated


def test_cells_that_turn_left_handed(job):
    folder, status = job(faults="negative_volume", **RELAX)
    assert status == 1
    assert not run_status(folder)["finished"]
    assert "-20.578" in next(line for line in (folder / "OUTCAR").read_text().splitlines() if "negative: -" in line)
    _, again = job(given=inputs(poscar=(folder / "CONTCAR").read_text(), **RELAX))
    assert again == 1
    assert "triple product" in (folder / "OUTCAR").read_text()


def test_no_memory(job, capsys):
    _, status = job(faults="out_of_memory", **RELAX)
    assert status == 41
    assert "insufficient virtual memory" in capsys.readouterr().out


def test_no_start(job, capsys):
    folder, status = job(faults="no_start", **RELAX)
    assert status == 127
    assert "shared libraries" in capsys.readouterr().out
    assert not (folder / "vasprun.xml").exists()


def test_slow_runs_wait_after_every_step(job, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    job(faults="slow 2.5", **RELAX | {"NSW": 3})
    assert waits == [2.5, 2.5, 2.5]
