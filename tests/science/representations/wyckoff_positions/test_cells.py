"""From a label to a cell and back to the label."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.neighbors import minimum_distances
from aiida_mlhull.science.representations.space_groups import space_groups
from aiida_mlhull.science.representations.volumes import dls_volumes
from aiida_mlhull.science.representations.wyckoff import free_parameters, protostructures
from aiida_mlhull.science.representations.wyckoff_positions.cells import cell_for
from tests.science.real_crystals import mp_crystals

LABELS = sorted(set(protostructures(mp_crystals()).tolist()))


@pytest.mark.parametrize("label", LABELS[::3])
def test_the_label_survives_and_atoms_keep_apart(label):
    cell = cell_for(label)
    assert protostructures(cell).tolist() == [label]
    assert space_groups(cell).numbers[0] == int(label.split("_")[2])
    np.testing.assert_allclose(cell.volumes_per_atom, dls_volumes(cell))
    assert minimum_distances(cell)[0] > 0.6


def test_the_seed_draws_what_is_open():
    rutile = "A2B_tP6_136_f_a:O-Ti"
    assert cell_for(rutile, seed=1).lattices.tobytes() == cell_for(rutile, seed=1).lattices.tobytes()
    assert cell_for(rutile, seed=1).lattices.tobytes() != cell_for(rutile, seed=2).lattices.tobytes()


def test_nothing_is_drawn_where_nothing_is_open():
    rock_salt = "AB_cF8_225_a_b:N-Ti"
    assert free_parameters([rock_salt]).tolist() == [0]
    assert cell_for(rock_salt, seed=1).frac_coords.tobytes() == cell_for(rock_salt, seed=2).frac_coords.tobytes()


def test_drawn_cells_are_no_looser_than_real_ones():
    """What the chance steps are for: DLS volumes within a factor of real ones."""
    crystals = mp_crystals()
    labels = protostructures(crystals).tolist()
    rows = [index for index in range(0, len(crystals), 4) if labels[index]]
    ratios = [cell_for(labels[i]).volumes_per_atom[0] / dls_volumes(crystals.take([i]))[0] for i in rows]
    assert np.median(ratios) < 1.3


def test_two_atoms_on_one_place_are_refused():
    with pytest.raises(CrystalError, match="in 1 cells atoms were closer"):
        cell_for("A_cF8_225_2a:Cu")


def test_positions_of_necessarily_higher_symmetry_are_refused():
    """One element on corners and center of a primitive cubic cell is a body-centered one."""
    with pytest.raises(CrystalError, match=r"another label, e\.g\. A_cI2_229_a:W"):
        cell_for("A_cP2_221_ab:W")


def test_what_is_no_label():
    with pytest.raises(CrystalError, match="not a protostructure label"):
        cell_for("rock salt")
