"""Nearest neighbors of every atom of many crystals, with whole shells at the end.

The search is pymatgen's compiled one. It is asked for a sphere that holds about 2.6 times the atoms
wanted at the crystal's density, and asked again with a wider one for those crystals where an atom
found too few; that is some sixty times faster than ``Structure.get_all_neighbors`` within 8 Å.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from pymatgen.optimization.neighbors import find_points_in_spheres

from aiida_mlhull.science.types.crystals import Crystals, Floats, Integers
from aiida_mlhull.science.types.table import slices

STEP: Final = 1e-4
"""Å; distances are told apart at this resolution."""

_SHIFT: Final = 0.3183
"""Moves the borders of the steps away from the round numbers (and their halves) that cell parameters
are printed with: otherwise the last bit of a distance would decide which side it falls on."""

_EXCESS: Final = 2.6
_WIDEN: Final = 1.25
_SELF: Final = 1e-6
_PERIODIC: Final = np.array([1, 1, 1], dtype=np.int64)
_CHUNK: Final = 256


@dataclass(frozen=True, eq=False)
class Shells:
    """Directed neighbor pairs, sorted by center, then distance.

    Attributes:
        starts: (N + 1,), pairs of site ``i`` are ``starts[i]:starts[i + 1]``.
        points: (E,), the neighbor's site number among the N sites of all crystals.
        steps: (E,), distance in units of :data:`STEP`.
    """

    starts: Integers
    points: Integers
    steps: Integers

    @property
    def centers(self) -> Integers:
        """(E,) site number of the atom at the center."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


def to_distances(steps: Integers) -> Floats:
    """Å at the middle of the steps."""
    return np.asarray(np.maximum((steps + 0.5 - _SHIFT) * STEP, 0.0))


def chunks(crystals: Crystals, size: int = _CHUNK) -> Iterator[Crystals]:
    """The crystals in handfuls that fit the processor's caches."""
    for part in slices(len(crystals), size=size):
        yield crystals.take(np.arange(part.start, part.stop))


def nearest_shells(crystals: Crystals, *, neighbors: int = 12) -> Shells:
    """All neighbors of every atom up to and including the whole shell that the ``neighbors``-th lies in.

    There is no outer limit: where a fixed radius of 8 Å would hold fewer atoms, the search widens
    until every atom has its neighbors (in a cell too thin for that, they are images of the atom itself).

    Raises:
        CrystalError: if a cell has no volume or a number is not finite.
    """
    crystals.check([f"number {index}" for index in range(len(crystals))])
    pending = np.arange(len(crystals))
    radii = np.cbrt(3 * _EXCESS * max(neighbors, 1) * crystals.volumes_per_atom / (4 * np.pi))
    found: list[tuple[Integers, Integers, Integers]] = []
    while len(pending):
        pairs = [_pairs(crystals, index, radii[index]) for index in pending.tolist()]
        centers, points, distances = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        steps = np.floor(distances / STEP + _SHIFT).astype(np.int64)
        keep, complete = _whole_shells(crystals, pending, radii, (centers, steps), neighbors)
        found.append((centers[keep], points[keep], steps[keep]))
        pending = pending[~complete]
        radii[pending] *= _WIDEN
    if not found:
        return Shells(np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    centers, points, steps = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((points, steps, centers))
    starts = np.searchsorted(centers[order], np.arange(len(crystals.numbers) + 1))
    return Shells(starts, points[order], steps[order])


def minimum_distances(crystals: Crystals) -> Floats:
    """(n,) the shortest distance between two atoms (or an atom and its image) of every crystal, in Å.

    Exact to :data:`STEP`. Intake refuses crystals where it is too short: overlapping atoms.
    """
    parts = []
    for chunk in chunks(crystals):
        shells = nearest_shells(chunk, neighbors=1)
        parts.append(np.minimum.reduceat(to_distances(shells.steps), shells.starts[chunk.offsets[:-1]]))
    return np.concatenate(parts) if parts else np.empty(0)


def nearest_distances(lattice: Floats, frac_coords: Floats, *, within: float) -> Floats:
    """(N,) Å from every atom of one cell to the nearest other one, or image; infinite if none is ``within`` (Å)."""
    lattice = np.ascontiguousarray(lattice)
    sites = np.ascontiguousarray((frac_coords - np.floor(frac_coords)) @ lattice)
    centers, points, _, distances = find_points_in_spheres(
        sites, sites, r=within, pbc=_PERIODIC, lattice=lattice, tol=1e-8
    )
    nearest = np.full(len(sites), np.inf)
    other = (centers != points) | (distances > _SELF)
    np.minimum.at(nearest, centers[other], distances[other])
    return nearest


def _pairs(crystals: Crystals, index: int, radius: float) -> tuple[Integers, Integers, Floats]:
    """Centers and points (numbered over all crystals) and distances within ``radius``, the atom itself left out."""
    lattice, _, frac_coords = crystals.arrays(index)
    lattice = np.ascontiguousarray(lattice)
    sites = np.ascontiguousarray((frac_coords - np.floor(frac_coords)) @ lattice)
    centers, points, _, distances = find_points_in_spheres(
        sites, sites, r=radius, pbc=_PERIODIC, lattice=lattice, tol=1e-8
    )
    other = (centers != points) | (distances > _SELF)
    first = crystals.offsets[index]
    return centers[other] + first, points[other] + first, distances[other]


def _whole_shells(
    crystals: Crystals, searched: Integers, radii: Floats, pairs: tuple[Integers, Integers], neighbors: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which pairs belong to whole shells, and which of the ``searched`` crystals found all of theirs.

    A crystal is complete when all its atoms have ``neighbors`` others and the step of the last one
    ends inside the sphere, so that no member of that shell can be missing.
    """
    centers, steps = pairs
    sites = len(crystals.numbers)
    counts = np.bincount(centers, minlength=sites)
    order = np.argsort((centers << 32) + steps, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)])
    last = np.full(sites, np.iinfo(np.int32).max, dtype=np.int64)
    enough = counts >= neighbors
    last[enough] = steps[order][starts[:-1][enough] + neighbors - 1]

    radius = np.zeros(len(crystals))
    radius[searched] = radii[searched]
    owner = np.repeat(np.arange(len(crystals)), crystals.n_sites)
    closed = (last + 1 - _SHIFT) * STEP < radius[owner]
    complete = np.logical_and.reduceat(closed, crystals.offsets[:-1])
    keep = complete[owner[centers]] & (steps <= last[centers])
    return keep, complete[searched]
