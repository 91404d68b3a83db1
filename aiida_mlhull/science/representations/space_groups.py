"""Space group, primitive cell and point-group order of many crystals, by moyopy."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

import moyopy
import numpy as np

from aiida_mlhull.science.types.crystals import Crystals, Integers

TOLERANCE: Final = 0.05
"""Å; sites that are this near count as equal."""

# In a supercell moyopy warns that it leaves out operations that don't fit the cell; operations aren't read here.
logging.getLogger("moyo").setLevel(logging.ERROR)

_LAST_OF_POINT_GROUP: Final = (
    *(1, 2, 5, 9, 15, 24, 46, 74, 80, 82, 88, 98, 110, 122, 142, 146, 148, 155, 161, 167),
    *(173, 174, 176, 182, 186, 190, 194, 199, 206, 214, 220, 230),
)
_ORDERS: Final = (
    *(1, 2, 2, 2, 4, 4, 4, 8, 4, 4, 8, 8, 8, 8, 16, 3, 6, 6, 6, 12),
    *(6, 6, 12, 12, 12, 12, 24, 12, 24, 24, 24, 48),
)


@dataclass(frozen=True, eq=False)
class SpaceGroups:
    """Symmetry of n crystals.

    Attributes:
        numbers: (n,), 1 to 230.
        primitive_sites: (n,), sites of the primitive cell.
    """

    numbers: Integers
    primitive_sites: Integers

    @property
    def point_group_orders(self) -> Integers:
        """(n,), 1 to 48."""
        return np.asarray(_ORDERS)[np.searchsorted(_LAST_OF_POINT_GROUP, self.numbers)]


def space_groups(crystals: Crystals, *, tolerance: float = TOLERANCE) -> SpaceGroups:
    """Find the space groups; a crystal whose search fails is taken as P1, its cell as primitive."""
    numbers = np.ones(len(crystals), dtype=np.int64)
    primitive = crystals.n_sites.copy()
    for index in range(len(crystals)):
        lattice, atoms, frac_coords = crystals.arrays(index)
        cell = moyopy.Cell(lattice.tolist(), frac_coords.tolist(), atoms.tolist())
        try:
            found = moyopy.MoyoDataset(cell, symprec=tolerance)
        except ValueError:  # what moyopy raises when it finds no consistent group at this tolerance
            continue
        numbers[index], primitive[index] = found.number, len(found.prim_std_cell.numbers)
    return SpaceGroups(numbers, primitive)
