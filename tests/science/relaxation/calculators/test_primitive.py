"""Primitive cells against spglib's, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
import spglib
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.relaxation.calculators.primitive import primitive
from aiida_mlhull.science.relaxation.symmetry import symmetrize
from aiida_mlhull.science.types import Crystals
from tests.science.real_crystals import pnictides


def cells():
    rows = pnictides().crystals
    some = rows.take(np.arange(0, len(rows), 40))
    yield from (some.arrays(k) for k in range(len(some)))
    doubled = Structure.from_spacegroup(225, Lattice.cubic(4.24), ["Ti", "N"], [[0, 0, 0], [0.5] * 3]) * (2, 1, 3)
    yield Crystals.from_structures([doubled]).arrays(0)


@pytest.mark.parametrize("cell", list(cells()))
def test_as_many_atoms_as_spglib_s_and_back_again(cell):
    whole = symmetrize(*cell)
    found = primitive(whole)
    theirs = spglib.find_primitive((whole.lattice, whole.frac_coords, whole.numbers), symprec=1e-4)
    assert len(found.numbers) == len(theirs[2])
    assert sorted(found.numbers) == sorted(theirs[2])
    lattice, frac_coords = found.whole(found.lattice, found.frac_coords)
    np.testing.assert_allclose(lattice, whole.lattice, atol=1e-10)
    np.testing.assert_allclose(frac_coords, whole.frac_coords, atol=1e-6)


def test_a_stretched_primitive_cell_stretches_the_whole_one():
    conventional = Structure.from_spacegroup(227, Lattice.cubic(5.43), ["Si"], [[0, 0, 0]])
    whole = symmetrize(*Crystals.from_structures([conventional]).arrays(0))
    found = primitive(whole)
    assert len(found.numbers) == 2
    lattice, frac_coords = found.whole(1.1 * found.lattice, found.frac_coords)
    np.testing.assert_allclose(lattice, 1.1 * whole.lattice, atol=1e-10)
    np.testing.assert_allclose(frac_coords, whole.frac_coords, atol=1e-6)
