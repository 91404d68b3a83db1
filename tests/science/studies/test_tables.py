"""What a study's rows learn from and are asked about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import benchmarks
from aiida_mlhull.science.ensembles.learning import split_rows
from aiida_mlhull.science.errors import InputError, MissingEndMembersError, TooFewLabelsError
from aiida_mlhull.science.reading.properties import read_properties
from aiida_mlhull.science.studies import StudyRun
from aiida_mlhull.science.studies.settings import StudyRow, StudyTable
from aiida_mlhull.science.studies.tables import find_file, halves, rows_of_stage
from aiida_mlhull.science.types import Crystals, Labels
from tests.arsenides import DEMO

DATA = Path(benchmarks.__file__).parent / "data"
TABLE = "mp20_excerpt.parquet"
TARGET = "formation_energy_per_atom"


def run_of(*, seed: int = 0, learn: int | None = None, asked: int | None = None, **changes) -> StudyRun:
    row = {"name": "row", "about": "", "where": "", "table": "t", "target": TARGET, "ensemble": {"model": "mean"}}
    table = StudyTable(name="t", file=TABLE, about="")
    return StudyRun("study", StudyRow(**row | changes), table, "full", seed, learn, asked, None)


def test_the_split_is_that_of_learning_curves():
    rows = read_properties(DATA / TABLE, target=TARGET).rows
    for by in ("row", "formula"):
        learned, test = split_rows(rows, share=0.2, by=by, seed=3)
        found = halves(run_of(seed=3, by=by), DATA)
        assert found.learned.cells.ids.tolist() == rows.ids[np.sort(learned)].tolist()
        assert found.asked.cells.ids.tolist() == rows.ids[test].tolist()
        assert found.asked.labels.energies.tolist() == rows.energies[test].tolist()


def test_larger_sets_hold_the_smaller_ones_and_test_rows_stay():
    small, large, whole = (halves(run_of(learn=n, asked=40), DATA) for n in (30, 60, None))
    ids = [set(one.learned.cells.ids.tolist()) for one in (small, large, whole)]
    assert [len(one) for one in ids] == [30, 60, 480]
    assert ids[0] < ids[1] < ids[2]
    assert small.asked.cells.ids.tolist() == whole.asked.cells.ids.tolist()
    assert len(small.asked) == 40
    assert not ids[2] & set(whole.asked.cells.ids.tolist())


def test_a_threshold_makes_two_classes():
    classes = {"names": ["semiconductor", "metal"], "above": 0.0}
    found = halves(run_of(target="band_gap", classes=classes, quantity="auc", ensemble={"model": "roost"}), DATA)
    metal = dict(
        zip(*(pq.read_table(DATA / TABLE)[name].to_pylist() for name in ("material_id", "metal")), strict=True)
    )
    assert [bool(value) for value in found.asked.labels.energies] == [metal[one] for one in found.asked.cells.ids]


def test_metals_can_be_left_out_of_gaps():
    found = halves(run_of(target="band_gap", only_above=0.0), DATA)
    raw = pq.read_table(DATA / TABLE)
    with_gap = {
        one for one, gap in zip(raw["material_id"].to_pylist(), raw["band_gap"].to_pylist(), strict=True) if gap > 0
    }
    assert set(found.learned.cells.ids.tolist()) | set(found.asked.cells.ids.tolist()) == with_gap


@pytest.mark.parametrize("cells", ["unrelaxed", "relaxed"])
def test_pairs_learn_the_named_column_and_crystals_stay_together(cells):
    table = StudyTable(name="t", file="hypothetical_pnictides.parquet", about="", kind="pairs")
    run = replace(run_of(target="energy_per_atom_ev", by="crystal", cells=cells), table=table)
    found = halves(run, DEMO)
    raw = pq.read_table(DEMO / table.file)
    energies = dict(zip(raw["structure_id"].to_pylist(), raw["energy_per_atom_ev"].to_pylist(), strict=True))
    minima = []
    for half in (found.learned, found.asked):
        expected = [energies[one] for one in half.cells.ids.tolist()]
        assert half.labels.energies.tolist() == expected
        minima.append({(f, round(e, 3)) for f, e in zip(half.cells.formulas.tolist(), expected, strict=True)})
    assert not minima[0] & minima[1]
    same = np.allclose(found.asked.cells.crystals.volumes_per_atom, found.asked.labels.crystals.volumes_per_atom)
    assert same == (cells == "relaxed")


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    with pytest.raises(InputError, match="--data"):
        halves(run_of(), tmp_path)
    with pytest.raises(TooFewLabelsError, match="480 rows are left"):
        halves(replace(run_of(sizes=[10, 900], quantity="slope"), learn=900), DATA)
    monkeypatch.setenv("MLHULL_DATA", str(DATA))
    assert find_file(TABLE) == DATA / TABLE
    assert find_file(TABLE, tmp_path) is None, "a folder that is named counts alone"


def labels_of(formulas: list[str], numbers: list[list[int]], energies: list[float]) -> Labels:
    n = len(formulas)
    places = [[[0, 0, 0], [0.5, 0.5, 0.5]]] * n
    return Labels.from_rows(
        ids=[f"r{row}" for row in range(n)], formulas=formulas, energies=np.array(energies),
        crystals=Crystals.from_lists([np.eye(3) * 4] * n, numbers, places),
        failures=["" if np.isfinite(energy) else "x_lost" for energy in energies],
        core_minutes=np.zeros(n), stage="final", engine="", scheme="",
    )  # fmt: skip


def test_energies_of_a_stage_are_measured_from_the_elements():
    table = StudyTable(name="t", file="t.parquet", about="", measured_from={"Na": -1.0, "Cl": -2.0})
    labels = labels_of(["NaCl", "NaCl", "Na"], [[11, 17], [11, 17], [11, 11]], [-3.0, np.nan, -1.25])
    found = rows_of_stage(labels, table)
    assert found.cells.ids.tolist() == ["r0", "r2"], "what failed has no energy"
    assert found.labels.energies.tolist() == pytest.approx([-1.5, -0.25])
    assert found.cells.crystals.volumes_per_atom.tolist() == labels.crystals.volumes_per_atom[[0, 2]].tolist()
    with pytest.raises(MissingEndMembersError):
        rows_of_stage(labels, StudyTable(name="t", file="t.parquet", about="", measured_from={"Na": -1.0}))


def test_a_stand_in_needs_energies_of_its_elements():
    stand_in = {"elements": ["Na", "Cl"], "stage": "final"}
    with pytest.raises(ValueError, match="name them all"):
        StudyTable(name="t", file="t.parquet", about="", stand_in=stand_in, measured_from={"Na": -1.0})
