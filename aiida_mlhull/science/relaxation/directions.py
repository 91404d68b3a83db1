"""What a freedom leaves free: the directions within the space group that a relaxation may follow."""

from __future__ import annotations

from typing import Final

import numpy as np

from aiida_mlhull.science.relaxation.base import Freedom
from aiida_mlhull.science.relaxation.symmetry import (
    Fixed,
    SymmetricCell,
    invariant_displacements,
    invariant_strains,
    normal_strains,
)
from aiida_mlhull.science.types.crystals import Floats

FIXED: Final[dict[Freedom, Fixed]] = {"static": "cell", "positions": "cell", "normal": "plane"}
"""What of the cell stays as it came in; to the last bit."""

HELD: Final[dict[Fixed, int]] = {"nothing": 0, "plane": 2, "cell": 3}
"""How many of the cell's vectors that are."""


def fixed_by(freedom: Freedom) -> Fixed:
    """What of the cell a freedom fixes."""
    return FIXED.get(freedom, "nothing")


def free_directions(cell: SymmetricCell, freedom: Freedom) -> tuple[Floats, Floats]:
    """(D, N, 3) displacements and (S, 3, 3) strains, orthonormal, that keep ``cell``'s space group."""
    displacements, strains = np.empty((0, len(cell.numbers), 3)), np.empty((0, 3, 3))
    if freedom == "volume":
        strains = np.eye(3)[None] / np.sqrt(3.0)
    if freedom in {"positions", "normal", "full"}:
        displacements = invariant_displacements(cell)
    if freedom == "normal":
        strains = normal_strains(cell)
    elif freedom == "full":
        strains = invariant_strains(cell)
    return displacements, strains
