"""Bonds that are followed under strain: kinds told apart by elements, length and tilt in the unstrained crystal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from pymatgen.optimization.neighbors import find_points_in_spheres

from aiida_mlhull.science.errors import SettingsError, listed
from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.types.crystals import Crystals, Floats, Integers

FARTHEST: Final = 1.35
"""Times the shortest distance of a pair of elements: an apical oxygen of a cuprate is at 1.3."""
REACH: Final = 5.0
"""Å; pairs of elements that are farther apart everywhere have no bond."""
SAME: Final = 0.02
"""Å, in length and in the part along the normal, within which bonds are of one kind."""
_SELF: Final = 1e-8


@dataclass(frozen=True)
class Bond:
    """One representative of a kind of bond.

    Attributes:
        name: ``Cu-O 2.452 Å, 90°``: elements, length, tilt against the plane of the first two vectors.
        first: site.
        second: site.
        step: (3,) fractional coordinates of the second less those of the first, whole cells included.
    """

    name: str
    first: int
    second: int
    step: tuple[float, float, float]

    @property
    def pair(self) -> str:
        """Its elements: ``Cu-O``."""
        return self.name.split()[0]

    def length(self, crystals: Crystals, row: int) -> float:
        """Å, in another cell of the same sites; it may have put atoms back into the cell."""
        lattice, _, frac_coords = crystals.arrays(row)
        gap = frac_coords[self.second] - frac_coords[self.first]
        gap = gap - np.rint(gap - np.asarray(self.step))
        return float(np.linalg.norm(gap @ lattice))


def kinds_of_bonds(crystals: Crystals, row: int, *, pairs: Sequence[str] = ()) -> tuple[Bond, ...]:
    """The kinds of bonds of a crystal, by pair and length.

    Args:
        crystals: that it is among.
        row: its number.
        pairs: pairs of elements, ``Cu-O``; those that the crystal lacks are passed over; all if empty.
    """
    lattice, numbers, frac_coords = crystals.arrays(row)
    symbols = element_table().symbols[numbers]
    positions = np.ascontiguousarray(frac_coords @ lattice)
    first, second, images, lengths = find_points_in_spheres(
        positions, positions, r=REACH, pbc=np.ones(3, dtype=np.int64), lattice=np.ascontiguousarray(lattice), tol=_SELF
    )
    normal = np.cross(lattice[0], lattice[1])
    steps = frac_coords[second] + images - frac_coords[first]
    heights = np.abs(steps @ lattice @ (normal / np.linalg.norm(normal)))
    names = np.asarray(["-".join(_ordered(symbols[i], symbols[j])) for i, j in zip(first, second, strict=True)])
    real = lengths > _SELF
    asked = {"-".join(way) for pair in pairs for way in (pair.split("-"), pair.split("-")[::-1])}
    wanted = {pair for pair in names[real].tolist() if not pairs or pair in asked}
    found: list[Bond] = []
    for pair in sorted(wanted):
        here = np.flatnonzero(real & (names == pair))
        near = here[lengths[here] <= FARTHEST * lengths[here].min()]
        ranked = near[np.lexsort((heights[near], lengths[near].round(6)))]
        found += [
            Bond(
                name=f"{pair} {lengths[k]:.3f} Å, {_tilt(heights[k], lengths[k]):.0f}°",
                first=int(first[k]),
                second=int(second[k]),
                step=(float(steps[k, 0]), float(steps[k, 1]), float(steps[k, 2])),
            )
            for k in _different(ranked, np.column_stack([lengths, heights]))
        ]
    return tuple(found)


def check_pairs(crystals: Crystals, pairs: Sequence[str]) -> None:
    """Refuse pairs of elements that no crystal has bonds of.

    Raises:
        SettingsError: naming them, and those that there are.
    """
    there = {bond.pair for row in range(len(crystals)) for bond in kinds_of_bonds(crystals, row)}
    unknown = [pair for pair in pairs if not {pair, "-".join(pair.split("-")[::-1])} & there]
    if unknown:
        raise SettingsError(f"no crystal has bonds {listed(unknown)}; there are {listed(sorted(there), 30)}")


def _different(rows: Integers, sizes: Floats) -> list[int]:
    """The first row of every kind; rows are of one kind if no size (n, 2) differs by more than :data:`SAME`."""
    seen: list[int] = []
    for row in rows.tolist():
        if all(np.abs(sizes[row] - sizes[k]).max() > SAME for k in seen):
            seen.append(row)
    return seen


def _tilt(height: float, length: float) -> float:
    return float(np.degrees(np.arcsin(min(1.0, height / length))))


def _ordered(first: str, second: str) -> tuple[str, str]:
    """The less electronegative element first, as chemists write a bond."""
    from pymatgen.core import Element  # noqa: PLC0415  (slow import)

    def rank(symbol: str) -> tuple[float, str]:
        electronegativity = Element(symbol).X
        return (electronegativity if np.isfinite(electronegativity) else np.inf, symbol)

    a, b = sorted((str(first), str(second)), key=rank)
    return a, b
