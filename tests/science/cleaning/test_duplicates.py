"""The same crystal under several ids: by label, then by cell."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.cleaning.duplicates import first_of_kind
from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Candidates, Crystals


def candidates(structures, names=None, labels=None):
    cells = Crystals.from_structures(structures)
    return Candidates.from_rows(
        ids=names or [f"{index:02d}" for index in range(len(structures))],
        formulas=cells.reduced_formulas(),
        crystals=cells,
        protostructures=protostructures(cells) if labels is None else np.asarray(labels, dtype=np.str_),
        origins=[""] * len(structures),
    )


def salt(a):
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def rutile(u, a=4.6, ratio=0.64, oxide="Ti"):
    return Structure.from_spacegroup(136, Lattice.tetragonal(a, a * ratio), [oxide, "O"], [[0, 0, 0], [u, u, 0]])


def test_a_label_without_free_parameters_is_the_crystal_whatever_its_volume():
    assert first_of_kind(candidates([salt(5.6), salt(6.4), salt(5.6).get_primitive_structure()])).tolist() == [0, 0, 0]


def test_free_parameters_tell_crystals_of_one_label_apart():
    cells = [rutile(0.305), rutile(0.305, a=5.0), rutile(0.36), rutile(0.305, ratio=0.9), rutile(0.305, oxide="Sn")]
    assert first_of_kind(candidates(cells)).tolist() == [0, 0, 2, 3, 4]


def test_other_descriptions_of_a_cell_are_the_same_crystal():
    cell = rutile(0.305)
    moved = cell.copy()
    moved.translate_sites(range(len(moved)), [0.13, 0.29, 0.41])
    sheared = cell.copy()
    sheared.make_supercell([[1, 0, 0], [2, 1, 0], [0, 1, 1]])
    mirrored = Structure(Lattice(cell.lattice.matrix * [1, 1, -1]), cell.species, cell.frac_coords)
    noisy = cell.copy().perturb(0.004)
    same = first_of_kind(candidates([cell, moved, sheared, mirrored, noisy], labels=[protostructures_of(cell)] * 5))
    assert same.tolist() == [0, 0, 0, 0, 0]


def quartz(side=4.91):
    sites = [[0.4697, 0, 2 / 3], [0.4133, 0.2672, 0.7856]]
    return Structure.from_spacegroup(154, Lattice.hexagonal(side, 1.1 * side), ["Si", "O"], sites)


def test_left_and_right_handed_quartz_are_one_crystal():
    right = quartz()
    left = Structure(Lattice(right.lattice.matrix * [1, 1, -1]), right.species, right.frac_coords)
    rows = candidates([right, left])
    assert len(set(rows.protostructures.tolist())) == 2
    assert first_of_kind(rows).tolist() == [0, 0]


def protostructures_of(cell):
    return protostructures(Crystals.from_structures([cell]))[0]


def test_the_lowest_comes_first_where_energies_are_known_else_the_first_id():
    rows = candidates([salt(5.6), salt(5.7), salt(5.8)], names=["c", "a", "b"])
    assert first_of_kind(rows).tolist() == [0, 0, 0]
    assert first_of_kind(rows, energies=np.asarray([-3.0, np.nan, -3.2])).tolist() == [2, 2, 2]


def test_rows_without_a_label_are_like_no_other_and_rows_without_cells_are_refused():
    rows = candidates([salt(5.6), salt(5.6)], labels=["", ""])
    assert first_of_kind(rows).tolist() == [0, 1]
    bare = Candidates(ids=rows.ids, formulas=rows.formulas, crystals=None, protostructures=rows.ids, origins=rows.ids)
    with pytest.raises(TableError, match="without cells"):
        first_of_kind(bare)
    assert first_of_kind(rows.take([])).tolist() == []


@pytest.mark.parametrize("seed", range(3))
def test_finds_the_kinds_that_many_cells_of_one_label_were_made_from(seed):
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 4, 20)
    cells = [rutile(0.27 + 0.03 * kind + rng.uniform(0, 2e-4), a=rng.uniform(4, 5)) for kind in kinds.tolist()]
    found = first_of_kind(candidates(cells))
    assert found.tolist() == [kinds.tolist().index(kind) for kind in kinds.tolist()]
    matcher = StructureMatcher()
    assert all(matcher.fit(cells[row], cells[first]) for row, first in enumerate(found.tolist()))
