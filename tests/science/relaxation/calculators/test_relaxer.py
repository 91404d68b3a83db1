"""The generic relaxer with calculators that ASE brings along: no weights, known answers."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE
from pymatgen.io.ase import AseAtomsAdaptor

from aiida_mlhull.science.relaxation.base import RelaxationSettings
from aiida_mlhull.science.relaxation.calculators.relaxer import CalculatorRelaxer
from aiida_mlhull.science.types import Crystals

CALLS: list[int] = []


class CountedEMT(EMT):
    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        CALLS.append(len(atoms))
        super().calculate(atoms, properties, system_changes)


class EffectiveMedium(CalculatorRelaxer):
    name: ClassVar[str] = "emt"
    scheme: ClassVar[str] = "effective medium theory"
    training: ClassVar[str] = "fitted by hand"
    package: ClassVar[str] = "ase"
    ships_weights: ClassVar[bool] = True

    def load(self):
        return CountedEMT()


def crystals(*atoms: Atoms) -> Crystals:
    return Crystals.from_structures([AseAtomsAdaptor.get_structure(one) for one in atoms])


def stretched_alloy() -> Atoms:
    """Cu3Au, tetragonal by hand, atoms off their places as far as the group allows."""
    alloy = bulk("Cu", cubic=True, a=4.0)
    alloy.numbers[0] = 79
    alloy.set_cell([3.9, 3.9, 4.2], scale_atoms=True)
    return alloy


def relaxed(cells, **settings):
    return list(EffectiveMedium(RelaxationSettings(**settings)).stream(cells))


def test_it_ends_where_ase_s_own_relaxation_does():
    ours = relaxed(crystals(stretched_alloy()), max_force=0.001, max_steps=200)[0]
    theirs = stretched_alloy()
    theirs.calc = EMT()
    FIRE(FrechetCellFilter(theirs), logfile=None).run(fmax=0.001, steps=500)
    assert ours.failure == ""
    assert ours.energy == pytest.approx(theirs.get_potential_energy() / 4, abs=1e-5)
    assert abs(np.linalg.det(ours.lattice)) == pytest.approx(theirs.get_volume(), rel=1e-3)
    assert ours.steps < 30


def test_only_the_primitive_cell_is_asked_about():
    CALLS.clear()
    conventional = relaxed(crystals(bulk("Cu", cubic=True, a=3.8) * (2, 1, 1)), max_force=0.001)[0]
    assert set(CALLS) == {1}
    single = relaxed(crystals(bulk("Cu", a=3.8)), max_force=0.001)[0]
    assert conventional.energy == pytest.approx(single.energy, abs=1e-6)
    assert conventional.frac_coords.shape == (8, 3)
    assert abs(np.linalg.det(conventional.lattice)) == pytest.approx(8 * abs(np.linalg.det(single.lattice)), rel=1e-5)


@pytest.mark.parametrize("freedom", ["static", "volume", "positions", "normal", "full"])
def test_what_is_held_is_held_to_the_last_bit(freedom):
    before = crystals(stretched_alloy())
    row = relaxed(before, freedom=freedom, max_force=0.01)[0]
    held = {"static": 3, "positions": 3, "normal": 2}.get(freedom, 0)
    np.testing.assert_array_equal(row.lattice[:held], before.lattices[0][:held])
    if freedom == "volume":
        shape = row.lattice / np.cbrt(np.linalg.det(row.lattice))
        np.testing.assert_allclose(shape, before.lattices[0] / np.cbrt(np.linalg.det(before.lattices[0])), atol=1e-6)


def test_a_calculator_that_refuses_is_a_row():
    rows = relaxed(crystals(bulk("Cu", cubic=True), bulk("W", cubic=True), bulk("Al", cubic=True)))
    assert [row.failure.split(":")[0] for row in rows] == ["", "engine_error", ""]
    assert np.isnan(rows[1].energy)
    np.testing.assert_allclose(rows[1].lattice, bulk("W", cubic=True).cell[:])
