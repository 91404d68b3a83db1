"""Space groups made exact, against spglib and the textbook's count of free parameters."""

from __future__ import annotations

import numpy as np
import pytest
import spglib
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.relaxation.symmetry import (
    invariant_displacements,
    invariant_strains,
    normal_strains,
    symmetrize,
)
from aiida_mlhull.science.types import Crystals
from tests.science.real_crystals import pnictides, supercells

ROCK_SALT = Structure.from_spacegroup(225, Lattice.cubic(4.24), ["Ti", "N"], [[0, 0, 0], [0.5, 0.5, 0.5]])
RUTILE = Structure.from_spacegroup(136, Lattice.tetragonal(4.59, 2.96), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]])
WURTZITE = Structure.from_spacegroup(
    186, Lattice.hexagonal(3.25, 5.2), ["Zn", "O"], [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.382]]
)
LOW = Structure(
    Lattice.from_parameters(4, 5, 6, 80, 95, 103), ["Li", "As", "P"], [[0, 0, 0], [0.4, 0.3, 0.6], [0.7, 0.8, 0.2]]
)


def symmetric(structure):
    return symmetrize(*Crystals.from_structures([structure]).arrays(0))


def group_of(lattice, frac_coords, numbers, symprec=1e-5):
    return spglib.get_symmetry_dataset((lattice, frac_coords, numbers), symprec=symprec)


@pytest.mark.parametrize(
    ("structure", "displacements", "strains"),
    [(ROCK_SALT, 0, 1), (RUTILE, 1, 2), (WURTZITE, 1, 2), (LOW, 6, 6)],
    ids=["rock salt", "rutile", "wurtzite", "no symmetry"],
)
def test_free_parameters_are_the_textbook_s(structure, displacements, strains):
    """Rigid translations don't count: wurtzite's origin is free along c, P1's along everything."""
    cell = symmetric(structure)
    assert len(invariant_displacements(cell)) == displacements
    assert len(invariant_strains(cell)) == strains


def some_pnictides(n=40):
    crystals = pnictides().crystals
    return crystals.take(np.linspace(0, len(crystals) - 1, n).astype(int))


def test_group_holds_to_rounding_and_is_the_one_spglib_finds():
    crystals = some_pnictides()
    for index in range(len(crystals)):
        lattice, numbers, frac_coords = crystals.arrays(index)
        cell = symmetrize(lattice, numbers, frac_coords)
        exact = group_of(cell.lattice, cell.frac_coords, numbers)
        assert exact.number == group_of(lattice, frac_coords, numbers, symprec=0.02).number
        assert len(exact.rotations) == len(cell.rotations)
        turns = cell.cartesian_rotations
        np.testing.assert_allclose(turns @ np.swapaxes(turns, 1, 2), np.broadcast_to(np.eye(3), turns.shape), atol=1e-9)
        assert np.abs((cell.frac_coords - frac_coords) @ lattice).max() < 0.02


def test_operations_carry_atoms_to_atoms():
    cell = symmetric(RUTILE)
    for rotation, targets, shifts in zip(cell.rotations, cell.permutations, cell.shifts, strict=True):
        landed = cell.frac_coords @ rotation.T - cell.frac_coords[targets] - shifts
        np.testing.assert_allclose(landed, np.broadcast_to(landed[0], landed.shape), atol=1e-12)  # one translation
        assert (cell.numbers[targets] == cell.numbers).all()


def test_patterns_are_orthonormal_and_keep_the_group():
    rng = np.random.default_rng(3)
    crystals = some_pnictides(12)
    for index in range(len(crystals)):
        cell = symmetrize(*crystals.arrays(index))
        n = len(cell.numbers)
        displacements, strains = invariant_displacements(cell), invariant_strains(cell)
        for patterns in (displacements.reshape(-1, 3 * n), strains.reshape(-1, 9)):
            np.testing.assert_allclose(patterns @ patterns.T, np.eye(len(patterns)), atol=1e-9)
        np.testing.assert_allclose(displacements.sum(axis=1), 0.0, atol=1e-9)
        stretch = np.eye(3) + np.tensordot(rng.normal(0, 0.02, len(strains)), strains, 1)
        moved = cell.frac_coords @ cell.lattice @ stretch
        moved += np.tensordot(rng.normal(0, 0.1, len(displacements)), displacements, 1)
        lattice = cell.lattice @ stretch
        after = group_of(lattice, moved @ np.linalg.inv(lattice), cell.numbers)
        assert len(after.rotations) >= len(cell.rotations)


def test_supercell_has_the_same_orbits():
    cell, large = symmetric(RUTILE), symmetric(supercells(Crystals.from_structures([RUTILE]), (1, 1, 2)).structure(0))
    assert len(large.representatives) == len(cell.representatives) == 2
    np.testing.assert_array_equal(large.multiplicities, 2 * cell.multiplicities)


def test_without_symmetry_nothing_moves():
    cell = symmetric(LOW)
    assert len(cell.rotations) == 1
    np.testing.assert_allclose(cell.frac_coords, LOW.frac_coords, atol=1e-15)
    np.testing.assert_allclose(cell.lattice, LOW.lattice.matrix, atol=1e-12)


@pytest.mark.parametrize(
    ("structure", "operations", "strains"),
    # of P4/mmm's 16 operations all keep the plane; of cubic rock salt's 48 a third; 2/m about b leaves two shears
    [(ROCK_SALT, 16, 1), (RUTILE, 16, 1), (WURTZITE, 12, 1), (LOW, 1, 3)],
    ids=["rock salt", "rutile", "wurtzite", "no symmetry"],
)
def test_a_fixed_plane_leaves_the_operations_that_keep_it(structure, operations, strains):
    lattice, numbers, frac_coords = Crystals.from_structures([structure]).arrays(0)
    cell = symmetrize(lattice, numbers, frac_coords, fixed="plane")
    assert len({rotation.tobytes() for rotation in cell.rotations}) == operations
    found = normal_strains(cell)
    assert len(found) == strains
    np.testing.assert_allclose(cell.lattice[:2] @ found, 0.0, atol=1e-12)  # both vectors stay
    turns = cell.cartesian_rotations
    for strain in found:
        np.testing.assert_allclose(np.swapaxes(turns, 1, 2) @ strain @ turns, [strain] * len(turns), atol=1e-9)


def test_a_fixed_cell_keeps_its_strain_and_loses_the_operations_that_lacked_it():
    lattice, numbers, frac_coords = Crystals.from_structures([ROCK_SALT]).arrays(0)
    strained = lattice @ np.diag([1.0, 1.0, 1.002])
    healed = symmetrize(strained, numbers, frac_coords)
    kept = symmetrize(strained, numbers, frac_coords, fixed="cell")
    assert len(healed.rotations) == 3 * len(kept.rotations)
    np.testing.assert_allclose(kept.lattice, strained, atol=1e-12)
    assert abs(healed.lattice[2, 2] - healed.lattice[0, 0]) < 1e-9
