"""Stand-ins for cells that are not there: right in composition, meaningless in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from aiida_mlhull.science.representations.composition import Composition, distinct
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.crystals import Floats, Integers

_MOST_ATOMS: Final = 1000
"""Of a box; shares of finer formulas are rounded to a thousandth."""
_APART: Final = 3.0


def boxes(compositions: Sequence[Composition]) -> Crystals:
    """A row of atoms in a box for every composition."""
    lattices, numbers, coordinates = [], [], []
    for composition in compositions:
        counts = _few(np.asarray(composition.counts, dtype=np.int64))
        n = int(counts.sum())
        lattices.append(np.diag([_APART * n, _APART, _APART]))
        numbers.append(np.repeat(composition.numbers, counts).tolist())
        coordinates.append(np.column_stack([np.arange(n) / n, np.zeros(n), np.zeros(n)]))
    return Crystals.from_lists(lattices, numbers, coordinates)


def boxes_of_formulas(formulas: Sequence[str]) -> Crystals:
    """The same for n formulas, of which many may be equal."""
    compositions, which = distinct(formulas)
    return boxes(compositions).take(which)


def _few(counts: Integers) -> Integers:
    if counts.sum() <= _MOST_ATOMS:
        return counts
    shares: Floats = counts / counts.sum()
    return np.maximum(np.round(shares * _MOST_ATOMS), 1).astype(np.int64)
