"""CHGNet's relaxations against its own optimizer and against published energies."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.relaxation.base import RelaxationSettings
from aiida_mlhull.science.relaxation.chgnet.potential import CHGNetRelaxer
from aiida_mlhull.science.relaxation.conventions import mp2020_corrections
from aiida_mlhull.science.types import Crystals

pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")

RUTILE = Structure.from_spacegroup(136, Lattice.tetragonal(4.8, 3.1), ["Ti", "O"], [[0, 0, 0], [0.29, 0.29, 0]])
WURTZITE = Structure.from_spacegroup(
    186, Lattice.hexagonal(3.4, 5.1), ["Zn", "O"], [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.36]]
)
ROCK_SALT = Structure.from_spacegroup(225, Lattice.cubic(4.0), ["Ti", "N"], [[0, 0, 0], [0.5, 0.5, 0.5]])
STRAINED = [RUTILE, WURTZITE, ROCK_SALT]

PUBLISHED = {"TiO2": -9.389, "ZnO": -4.879}
"""eV/atom, corrected: rutile as the issue's measurement gives it; wurtzite -4.535 raw and -0.3435 corrections."""


def relax(**settings):
    crystals = Crystals.from_structures(STRAINED)
    ids = ["a", "b", "c"]
    return CHGNetRelaxer(RelaxationSettings(**settings)).relax(ids, crystals.reduced_formulas(), crystals, stage="s")


def test_as_low_as_the_package_s_own_optimizer():
    from chgnet.model.dynamics import StructOptimizer

    ours = relax(max_force=0.01)
    with contextlib.redirect_stdout(io.StringIO()):
        optimizer = StructOptimizer(use_device="cpu")
        theirs = [optimizer.relax(s.copy(), fmax=0.01, steps=300, verbose=False) for s in STRAINED]
    for index, (structure, answer) in enumerate(zip(STRAINED, theirs, strict=True)):
        energy = float(answer["trajectory"].energies[-1]) / len(structure)
        assert ours.energies[index] == pytest.approx(energy, abs=5e-4)
        volume = answer["final_structure"].volume / len(structure)
        assert ours.crystals.volumes_per_atom[index] == pytest.approx(volume, rel=5e-3)


def test_energies_are_corrected_ones():
    """The trap: the difference to raw energies is half an eV, and applying the corrections again is as wrong."""
    labels = relax()
    raw = labels.energies - mp2020_corrections(labels.crystals)
    for formula, published in PUBLISHED.items():
        row = labels.formulas.tolist().index(formula)
        assert labels.energies[row] == pytest.approx(published, abs=0.06)
        assert abs(raw[row] - published) > 0.25


def test_what_is_left_is_told():
    crystals = Crystals.from_structures(STRAINED)
    for row in CHGNetRelaxer(RelaxationSettings(max_force=0.02)).stream(crystals):
        assert row.max_force < 0.02
        assert 0 < row.steps < 40
    for row in CHGNetRelaxer(RelaxationSettings(max_steps=2)).stream(crystals):
        assert row.steps <= 2
        assert np.isfinite(row.max_force)
