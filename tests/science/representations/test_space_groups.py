"""Space groups against spglib."""

from __future__ import annotations

import numpy as np
import pytest
import spglib
from pymatgen.symmetry.groups import SpaceGroup

from aiida_mlhull.science.representations.space_groups import SpaceGroups, space_groups
from aiida_mlhull.science.types import Crystals
from tests.science.real_crystals import disguised, mp_crystals, supercells


def test_numbers_and_primitive_cells_are_spglibs():
    crystals = mp_crystals()
    found = space_groups(crystals)
    differing = []
    for index in range(len(crystals)):
        lattice, numbers, frac_coords = crystals.arrays(index)
        cell = (lattice, frac_coords, numbers)
        theirs = spglib.get_symmetry_dataset(cell, symprec=0.05)
        primitive = spglib.find_primitive(cell, symprec=0.05)
        if (found.numbers[index], found.primitive_sites[index]) != (theirs.number, len(primitive[2])):
            differing.append(index)
    assert len(differing) <= 1  # the two searches handle the tolerance differently


@pytest.mark.parametrize("number", [1, 2, 3, 9, 14, 19, 33, 62, 79, 82, 88, 96, 109, 122, 141, 146, 148, 152, 160])
def test_point_group_orders_low(number):
    check_order(number)


@pytest.mark.parametrize("number", [166, 173, 174, 176, 180, 186, 187, 194, 198, 205, 212, 216, 225, 227, 230])
def test_point_group_orders_high(number):
    check_order(number)


def check_order(number):
    rotations = {
        op.rotation_matrix.round().astype(int).tobytes() for op in SpaceGroup.from_int_number(number).symmetry_ops
    }
    found = SpaceGroups(np.asarray([number]), np.asarray([1]))
    assert found.point_group_orders.tolist() == [len(rotations)]


def test_the_same_in_any_disguise():
    ours, theirs = space_groups(mp_crystals()), space_groups(disguised(mp_crystals(), 5))
    assert ours.numbers.tolist() == theirs.numbers.tolist()
    assert ours.primitive_sites.tolist() == theirs.primitive_sites.tolist()


def test_a_supercell_has_the_same_primitive_cell():
    small = mp_crystals().take(np.flatnonzero(mp_crystals().n_sites <= 12))
    ours, theirs = space_groups(small), space_groups(supercells(small))
    assert ours.numbers.tolist() == theirs.numbers.tolist()
    assert ours.primitive_sites.tolist() == theirs.primitive_sites.tolist()


def test_where_the_search_fails_it_is_p1():
    nearer_than_the_tolerance = Crystals.from_lists([3 * np.eye(3)], [[1, 1]], [[[0, 0, 0], [0.005, 0, 0]]])
    found = space_groups(nearer_than_the_tolerance)
    assert found.numbers.tolist() == [1]
    assert found.primitive_sites.tolist() == [2]
