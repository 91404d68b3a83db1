"""Where pw.x's Fermi level is wrong, by states that 6.7 and 7.2 really gave for MgO and F2, and by made ones."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.espresso import judge
from aiida_mlhull.science.espresso.fermi_level import Levels, lost_gap
from aiida_mlhull.science.types.reasons import Reason, code_of
from tests.science.espresso.families import step

WIDTH = 0.3742
"""eV, of the protocol fast."""


def levels(energies, occupations, weights=(1.0,)) -> Levels:
    return Levels(np.asarray(energies, float), np.asarray(occupations, float), np.asarray(weights))


F2 = [[-27.0, -22.0, -15.0, -13.0, -13.0, -9.2, -9.2, -5.5, 1.0]]
"""eV, about; one k-point, two spins alike."""


def molecule(up: list[float], down: list[float]) -> Levels:
    rest = [1.0] * 5
    return levels([F2, F2], [[rest + up + [0, 0]], [rest + down + [0, 0]]])


def test_a_molecule_as_pw_x_6_7_leaves_it():
    """Occupations of a molecule with 14 electrons, as version 6.7 gave them with cold smearing."""
    lost = molecule([1.07710729, 1.07710394], [0.92292992, 0.92285886])
    assert lost_gap(lost, electrons=14, width=WIDTH) == pytest.approx(3.7)
    assert lost_gap(molecule([1, 1], [1, 1]), electrons=14, width=WIDTH) is None


def test_a_triplet_has_its_gap_between_the_spins():
    """12 electrons, two more of one spin: whole occupations, whatever the order of the levels says of one spin alone."""
    split = levels([[[-20, -15, -10, -7]], [[-18, -13, -3, -2]]], [[[1, 1, 1, 1]], [[1, 1, 0, 0]]])
    assert lost_gap(split, electrons=6, width=WIDTH) is None
    part = levels([[[-20, -15, -10, -7]], [[-18, -13, -3, -2]]], [[[1, 1, 1, 0.7]], [[1, 1, 0.3, 0]]])
    assert lost_gap(part, electrons=6, width=WIDTH) == pytest.approx(4.0)


def test_weights_of_k_points_are_counted():
    """Top of the valence band at Γ emptied to 0.41, as in MgO; k-points of unequal weight."""
    energies = [[[-10, 5, 5, 5, 10], [-9, 3, 4, 4, 12]]]
    full, emptied = [2, 2, 2, 2, 0], [2, 0.82, 0.82, 0.82, 0]
    for weights in ((1, 7), (0.25, 1.75), (7, 1)):
        assert lost_gap(levels(energies, [[full, full]], weights), electrons=8, width=WIDTH) is None
        assert lost_gap(levels(energies, [[emptied, full]], weights), electrons=8, width=WIDTH) == pytest.approx(5)


@pytest.mark.parametrize(
    ("electrons", "width", "top"),
    [(7, WIDTH, 10.0), (8, 1.0, 10.0), (8, WIDTH, 4.5)],
    ids=["odd", "gap narrower than the smearing", "bands overlap"],
)
def test_where_no_gap_has_to_be_there_occupations_may_be_broken(electrons, width, top):
    energies = [[[-10, 5, 5, 5, top], [-9, 3, 4, 4, 12]]]
    broken = [[[2, 1.5, 1.5, 1.5, 0.5], [2, 2, 2, 2, 0]]]
    assert lost_gap(levels(energies, broken, (1, 1)), electrons=electrons, width=width) is None


def test_such_a_row_is_no_result():
    said = {"energy": -1.0, "number_of_electrons": 14.0, "degauss": WIDTH, "creator_version": "6.7MaX"}
    fine = Account(chain_status=0, job_statuses=(0,))
    lost, whole = molecule([1.08, 1.08], [0.92, 0.92]), molecule([1, 1], [1, 1])
    reason = judge(fine, said, step(), has_cell=True, levels=lost)
    assert code_of(reason) == Reason.ENGINE_ERROR
    assert "pw.x 6.7MaX has lost the Fermi level in a gap of 3.7 eV" in reason
    assert judge(fine, said, step(), has_cell=True, levels=whole) == ""
    assert judge(fine, said, step(), has_cell=True) == ""
