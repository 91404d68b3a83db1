"""Which of known cells a cell is: what one method has relaxed, found again among what another one has.

Two methods put the same crystal at slightly different volumes and coordinates, so this is wider than what merges twins of
one method (:mod:`~aiida_mlhull.science.cleaning.merge`): the protostructure label, the volume to a tenth, and, where the label
leaves more than the scale open, lattice sums (:mod:`~aiida_mlhull.science.representations.identity`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.representations.identity import shapes
from aiida_mlhull.science.representations.wyckoff import free_parameters, of_either_hand, protostructures
from aiida_mlhull.science.types import Labels
from aiida_mlhull.science.types.crystals import Crystals, Floats, Integers
from aiida_mlhull.science.types.table import Booleans, Strings

SHAPE_TOLERANCE: Final = 0.075
"""Largest difference of a lattice sum. Of CHGNet's cells of 2,048 pnictides and published ones of the same label, those that
differ by less agree in energy as well as the nearest do (0.06 eV/atom after element corrections); beyond 0.1 the
error doubles: they are other crystals."""

VOLUME_TOLERANCE: Final = 0.1
"""Relative."""


@dataclass(frozen=True, eq=False)
class Described:
    """What n cells are compared by.

    Attributes:
        labels: (n,) protostructures of either hand, empty where not found.
        free: (n,) parameters that the label leaves open beside the scale; -1 without a label.
        volumes: (n,) Å³/atom.
        shapes: n tables of lattice sums.
    """

    labels: Strings
    free: Integers
    volumes: Floats
    shapes: list[Floats]

    @classmethod
    def of(cls, crystals: Crystals) -> Described:
        """Describe every cell; some 2 ms each."""
        labels = of_either_hand(protostructures(crystals))
        return cls(labels, free_parameters(labels), crystals.volumes_per_atom, shapes(crystals))

    def alike(self, row: int, other: Described, theirs: int) -> bool:
        """Whether cell ``row`` is cell ``theirs`` of ``other``; one without a label is like no other."""
        if self.free[row] < 0 or self.labels[row] != other.labels[theirs]:
            return False
        if abs(self.volumes[row] / other.volumes[theirs] - 1.0) > VOLUME_TOLERANCE:
            return False
        if self.free[row] == 0:
            return True
        return bool(np.abs(self.shapes[row] - other.shapes[theirs]).max() <= SHAPE_TOLERANCE)


def stayed(before: Crystals, after: Crystals) -> Booleans:
    """(n,) which cells are the same crystal before and after."""
    first, second = Described.of(before), Described.of(after)
    return np.array([first.alike(row, second, row) for row in range(len(before))], dtype=bool)


def found_again(cells: Labels, known: Labels) -> Integers:
    """(n,) row of ``known`` that every cell is: of several the lowest in energy; -1 where there is none.

    Args:
        cells: n results.
        known: results of another method, of which only those that went well are looked at.
    """
    first, second = Described.of(cells.crystals), Described.of(known.crystals)
    by_kind: dict[tuple[str, str], list[int]] = {}
    order = np.lexsort((known.ids, np.where(known.succeeded, known.energies, np.inf)))
    for row in order[: int(known.succeeded.sum())].tolist():
        by_kind.setdefault((str(known.formulas[row]), str(second.labels[row])), []).append(row)
    found = np.full(len(cells), -1, dtype=np.int64)
    for row in range(len(cells)):
        rivals = by_kind.get((str(cells.formulas[row]), str(first.labels[row])), [])
        found[row] = next((other for other in rivals if first.alike(row, second, other)), -1)
    return found
