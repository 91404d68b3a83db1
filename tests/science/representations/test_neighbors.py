"""Neighbors against pymatgen's own search, and cells that are hard on a search."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.neighbors import STEP, minimum_distances, nearest_shells, to_distances
from aiida_mlhull.science.types import Crystals
from tests.science.real_crystals import disguised, mp_crystals


def one(lattice, numbers, frac_coords):
    return Crystals.from_lists([lattice], [numbers], [frac_coords])


def test_the_twelve_nearest_are_pymatgens():
    crystals = mp_crystals()
    shells = nearest_shells(crystals, neighbors=12)
    distances = to_distances(shells.steps)
    for index in range(0, len(crystals), 3):
        listed = crystals.structure(index).get_all_neighbors(9.0)
        for site, neighbors in enumerate(listed, start=crystals.offsets[index]):
            expected = sorted(neighbor.nn_distance for neighbor in neighbors)[:12]
            ours = distances[shells.starts[site] : shells.starts[site + 1]][:12]
            np.testing.assert_allclose(ours, expected, atol=STEP)


def test_the_last_shell_is_whole():
    crystals = mp_crystals().take(np.arange(30))
    shells = nearest_shells(crystals, neighbors=12)
    distances = to_distances(shells.steps)
    for index in range(len(crystals)):
        listed = crystals.structure(index).get_all_neighbors(9.0)
        for site, neighbors in enumerate(listed, start=crystals.offsets[index]):
            lengths = np.sort([neighbor.nn_distance for neighbor in neighbors])
            ours = distances[shells.starts[site] : shells.starts[site + 1]]
            assert len(ours) >= 12
            inside = int((lengths < ours[-1] - STEP).sum())
            up_to = int((lengths <= ours[-1] + STEP).sum())
            assert inside <= len(ours) <= up_to
            assert len(ours) >= int((lengths <= lengths[11] + STEP / 10).sum())


def test_body_centered_cubic_by_hand():
    shells = nearest_shells(one(3.0 * np.eye(3), [26, 26], [[0, 0, 0], [0.5, 0.5, 0.5]]), neighbors=12)
    assert np.diff(shells.starts).tolist() == [14, 14]
    expected = [3 * np.sqrt(3) / 2] * 8 + [3.0] * 6
    np.testing.assert_allclose(to_distances(shells.steps)[:14], expected, atol=STEP)
    assert set(shells.points[:8].tolist()) == {1}
    assert set(shells.points[8:14].tolist()) == {0}


def test_an_atom_with_nothing_within_eight_angstrom_gets_its_twelve():
    shells = nearest_shells(one(15.0 * np.eye(3), [2], [[0.1, 0.2, 0.3]]), neighbors=12)
    np.testing.assert_allclose(to_distances(shells.steps), [15.0] * 6 + [15.0 * np.sqrt(2)] * 12, atol=STEP)


def test_a_chain_far_from_its_images():
    shells = nearest_shells(one(np.diag([2.0, 40.0, 40.0]), [6], [[0, 0, 0]]), neighbors=12)
    np.testing.assert_allclose(to_distances(shells.steps), np.repeat(2.0 * np.arange(1, 7), 2), atol=STEP)


def test_coordinates_outside_the_cell_are_the_same_atoms():
    crystals = mp_crystals().take([0, 5, 9])
    moved = Crystals(
        crystals.lattices,
        crystals.offsets,
        crystals.numbers,
        crystals.frac_coords + np.arange(len(crystals.numbers))[:, None] % 5 - 2,
    )
    ours, theirs = nearest_shells(crystals), nearest_shells(moved)
    assert (ours.steps == theirs.steps).all()
    assert (ours.points == theirs.points).all()


@pytest.mark.parametrize("shift", [0.0, 1e-9, 0.05, 0.4])
def test_overlapping_atoms_are_seen(shift):
    crystal = one(4.0 * np.eye(3), [11, 17], [[0.2, 0.2, 0.2], [0.2 + shift / 4, 0.2, 0.2]])
    assert minimum_distances(crystal)[0] == pytest.approx(shift, abs=STEP)


def test_an_atoms_own_image_counts_as_neighbor():
    assert minimum_distances(one(np.diag([1.1, 9.0, 9.0]), [1], [[0, 0, 0]]))[0] == pytest.approx(1.1, abs=STEP)


def test_minimum_distances_are_pymatgens():
    crystals = mp_crystals()
    expected = []
    for index in range(len(crystals)):
        neighbors = crystals.structure(index).get_all_neighbors(6.0)
        expected.append(min(neighbor.nn_distance for site in neighbors for neighbor in site))
    np.testing.assert_allclose(minimum_distances(crystals), expected, atol=STEP)
    np.testing.assert_allclose(minimum_distances(disguised(crystals, 3)), expected, atol=STEP)


@pytest.mark.parametrize("broken", [np.nan, np.inf, 0.0])
def test_a_search_that_would_never_end_is_refused(broken):
    lattice = np.diag([4.0, 4.0, broken])
    with pytest.raises(CrystalError, match="number 0"):
        nearest_shells(one(lattice, [11], [[0, 0, 0]]))


def test_no_crystals_no_distances():
    none = mp_crystals().take(np.zeros(0, dtype=np.int64))
    assert minimum_distances(none).shape == (0,)
    assert nearest_shells(none).starts.tolist() == [0]
