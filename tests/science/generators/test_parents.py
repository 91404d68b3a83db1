"""Crystals to start from: how far they are from the hull, and when they say nothing."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aiida_mlhull.science.errors import CrystalError, InputError
from aiida_mlhull.science.generators.parents import read_parents
from aiida_mlhull.science.hull import distances
from aiida_mlhull.science.reading import read_references
from tests.science.candidate_files import row
from tests.science.real_crystals import DEMO, pnictides


def test_the_hull_of_the_record(parquet):
    references = read_references(DEMO / "competing_phases.parquet", elements=DEMO / "elements.json").references
    parents, left_out = read_parents(DEMO / "hypothetical_pnictides.parquet", references=references)
    truth = pnictides()
    assert parents.ids.tolist() == truth.ids.tolist()
    expected = distances(truth.formulas, truth.energies, references).e_above_hull
    np.testing.assert_allclose(parents.above_hull, expected)
    assert (parents.crystals.lattices == truth.relaxed.lattices).all()
    assert len(left_out) == 8
    near = parents.near_hull(0.1)
    assert 0 < len(near) < len(parents)
    assert (near.above_hull <= 0.1).all()


def test_a_stated_distance_is_taken_row_by_row(tmp_path, rows):
    for number, one in enumerate(rows):
        one["e_above_hull"] = 0.1 * number
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "own.parquet")
    parents, _ = read_parents(tmp_path / "own.parquet")
    stated = {one["structure_id"]: one["e_above_hull"] for one in rows}
    assert parents.above_hull.tolist() == [stated[name] for name in parents.ids.tolist()]


def test_nobody_knows_how_far_they_are(parquet, rows):
    parents, _ = read_parents(parquet(rows))
    assert np.isnan(parents.above_hull).all()
    assert parents.near_hull(None) is parents
    with pytest.raises(InputError, match="how far these crystals are above the hull is not known"):
        parents.near_hull(0.1)


def test_none_is_near_enough(tmp_path, rows):
    for one in rows:
        one["energy_above_hull"] = 0.3
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "own.parquet")
    with pytest.raises(InputError, match=r"none of 4 crystals lies within 0.1 eV/atom .* 0.300"):
        read_parents(tmp_path / "own.parquet")[0].near_hull(0.1)


def test_crystals_without_symmetry_are_refused(parquet):
    sites = [
        [0.01, 0.02, 0.03, 0.42, 0.36, 0.61, 0.7, 0.83, 0.27],
        [0.1, 0.02, 0.3, 0.52, 0.41, 0.71, 0.75, 0.93, 0.17],
    ]
    askew = [row(f"p{n}", ["K", "Cl", "Na"], -1.0, coords=coords) for n, coords in enumerate(sites)]
    with pytest.raises(InputError, match="none of 2 crystals has a symmetry beyond P1"):
        read_parents(parquet(askew))


def test_disordered_crystals_are_left_out_and_counted(tmp_path):
    from pymatgen.core import Lattice, Structure

    ordered = Structure(Lattice.cubic(4.0), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    mixed = Structure(Lattice.cubic(4.0), [{"Na": 0.5, "K": 0.5}, "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"a": ordered.as_dict(), "b": mixed.as_dict(), "c": mixed.as_dict()}))
    parents, left_out = read_parents(path)
    assert parents.ids.tolist() == ["a"]
    assert left_out.counts() == {"disordered": 2}
    with pytest.raises(CrystalError, match="disorder"):
        read_parents(path, bad_rows="refuse")


def test_unknown_elements_are_left_out_and_counted(parquet, damaged):
    parents, left_out = read_parents(parquet(damaged(species_unrelaxed=["Xx", "Cl"])))
    assert len(parents) == 3
    assert left_out.counts() == {"unknown_element": 1}


def test_nothing_can_be_used(parquet):
    bad = [row(f"x{n}", ["Xx", "Cl"], -1.0) for n in range(3)]
    with pytest.raises(InputError, match="3 unknown_element"):
        read_parents(parquet(bad))
