"""Features of the Voronoi cells of a crystal's atoms.

Source: Ward, Liu, Krishna, Hegde, Agrawal, Choudhary and Wolverton, Phys. Rev. B 96 (2017) 024104. Every face
of an atom's cell belongs to a neighbor, and weighs by its area. Of every crystal:

- the effective coordination number, (sum of areas)² / (sum of squared areas): mean, mean absolute
  deviation, minimum and maximum over the atoms;
- bond lengths: an atom's weighted mean length, in units of the crystal's, its mean absolute deviation, minimum
  and maximum; the relative spread of lengths around an atom: mean, deviation, minimum, maximum;
- the relative spread of the cells' volumes, and the largest packing efficiency (of the spheres that the
  cells can hold);
- chemical order of the first shell: how far the elements across the faces are from chance;
- the weighted mean difference between an atom's 22 Magpie properties and its neighbors': mean, deviation,
  minimum, maximum and range over the atoms.

124 numbers. Left out against the paper: chemical order of the second and third shell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import moyopy
import numpy as np
from numpy.typing import NDArray
from pymatgen.optimization.neighbors import find_points_in_spheres
from scipy.spatial import Voronoi

from aiida_mlhull.science.representations.magpie import magpie_table
from aiida_mlhull.science.types.crystals import Crystals, Floats, Integers

_PERIODIC: Final = np.array([1, 1, 1], dtype=np.int64)
_FIRST_REACH: Final = 2.6
"""Cube roots of the volume per atom: where the search for neighbors begins."""
_WIDEN: Final = 1.4
_AT_ONCE: Final = 96
"""Points that a cell is made from at first, and that are added at a time."""
_TOUCHING: Final = 1e-9
"""Å²; a point whose face only touches a corner doesn't cut it off."""
_ITSELF: Final = 1e-6
_SAME_PLACE: Final = 1e-5
"""Å; how exactly a symmetry has to hold for two atoms to be taken for one."""
_DIGITS: Final = 5
_SMALLEST: Final = 1e-2
"""Features below this have fewer digits."""


@dataclass(frozen=True, eq=False)
class Faces:
    """Faces of the Voronoi cells of K of a crystal's atoms, those of an atom one after the other.

    Attributes:
        starts: (K,) first face of every atom.
        others: (F,) atom across the face.
        areas: (F,) Å².
        lengths: (F,) Å, distance of the two atoms; the face stands halfway.
    """

    starts: Integers
    others: Integers
    areas: Floats
    lengths: Floats

    @property
    def owners(self) -> Integers:
        """(F,) which of the K atoms the face belongs to."""
        return np.repeat(np.arange(len(self.starts)), np.diff([*self.starts, len(self.others)]))

    def sums(self, values: Floats) -> Floats:
        """(K, ...) sums of (F, ...) values over the faces of every atom."""
        return np.asarray(np.add.reduceat(values, self.starts))


def voronoi_features(crystals: Crystals) -> Floats:
    """(n, 124) features of n crystals."""
    rows = [_features(*crystals.arrays(index)) for index in range(len(crystals))]
    return rounded(np.asarray(rows).reshape(len(crystals), -1))


def rounded(values: Floats) -> Floats:
    """Values of :data:`_DIGITS` digits each: a tree may split between two rows that are one crystal but for the last bits."""
    size = np.floor(np.log10(np.maximum(np.abs(values), _SMALLEST)))
    step = 10.0 ** (size - _DIGITS + 1)
    return np.asarray(np.round(values / step) * step)


def faces(lattice: Floats, frac_coords: Floats, *, atoms: Integers) -> Faces:
    """The Voronoi cells of these ``atoms`` of a periodic crystal.

    All atoms within a radius take part; it is widened until every cell reaches no further from its atom
    than half of the radius, so that no atom left out could cut into it.
    """
    positions = np.ascontiguousarray((frac_coords - np.floor(frac_coords)) @ lattice)
    cell = np.ascontiguousarray(lattice, dtype=np.float64)
    reach = _FIRST_REACH * np.cbrt(abs(np.linalg.det(lattice)) / len(positions))
    while True:
        found = _within(cell, positions, atoms, reach)
        if found is not None:
            return found
        reach *= _WIDEN


def _within(cell: Floats, positions: Floats, atoms: Integers, reach: float) -> Faces | None:
    """The cells as atoms within ``reach`` make them; None where others might cut into them."""
    centers, points, images, distances = find_points_in_spheres(
        all_coords=positions, center_coords=positions[atoms], r=reach, pbc=_PERIODIC, lattice=cell, tol=1e-8
    )
    parts: list[tuple[Integers, Floats, Floats]] = []
    for place, atom in enumerate(atoms.tolist()):
        near = np.flatnonzero((centers == place) & (distances > _ITSELF))
        near = near[np.argsort(distances[near], kind="stable")]
        shifts = positions[points[near]] + images[near] @ cell - positions[atom]
        around = _cell_of_origin(shifts, cell, reach)
        if around is None:
            return None
        which, areas = around
        parts.append((points[near][which].astype(np.int64), areas, distances[near][which]))
    counts = [len(part[0]) for part in parts]
    others, areas, lengths = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Faces(np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64), others, areas, lengths)


def _cell_of_origin(shifts: Floats, cell: Floats, reach: float) -> tuple[Integers, Floats] | None:
    """Numbers of the points whose faces bound the cell of the origin, and the faces' areas.

    The origin's own images one lattice vector away close the cell, also in a slab, where thousands of neighbors
    lie in one plane. Of the points only the nearest are asked, and then those that cut off a corner.

    Args:
        shifts: (n, 3) Å, all points within reach, nearest first.
        cell: (3, 3) Å.
        reach: Å.
    """
    images = np.vstack([cell, -cell])
    far = np.linalg.norm(images, axis=1) > reach - _ITSELF
    own = [int(np.linalg.norm(shifts - image, axis=1).argmin()) for image in images[~far]]
    chosen = np.union1d(np.arange(min(len(shifts), _AT_ONCE)), np.asarray(own, dtype=np.int64))
    while True:
        diagram = Voronoi(np.vstack([np.zeros(3), shifts[chosen], images[far]]))
        corners = diagram.vertices[diagram.regions[diagram.point_region[0]]]
        depths = (shifts @ corners.T).max(axis=1) - 0.5 * np.square(shifts).sum(axis=1)
        depths[chosen] = 0.0
        deepest = np.argsort(-depths, kind="stable")[:_AT_ONCE]
        cutting = deepest[depths[deepest] > _TOUCHING]
        if not len(cutting):
            break
        chosen = np.union1d(chosen, cutting)
    if 2.0 * np.linalg.norm(corners, axis=1).max() > reach - 2.0 * _ITSELF:
        return None
    ridges = np.flatnonzero((diagram.ridge_points == 0).any(axis=1))
    areas = [_area(diagram.vertices[diagram.ridge_vertices[ridge]]) for ridge in ridges]
    return chosen[diagram.ridge_points[ridges].max(axis=1) - 1], np.asarray(areas)


def _area(corners: Floats) -> float:
    """Area of a flat polygon whose (k, 3) corners come in turn."""
    spokes = corners[1:] - corners[0]
    return float(0.5 * np.linalg.norm(np.cross(spokes[:-1], spokes[1:]).sum(axis=0)))


def _features(lattice: Floats, numbers: NDArray[np.int16], frac_coords: Floats) -> Floats:
    atoms, shares = _representatives(lattice, numbers, frac_coords)
    found = faces(lattice, frac_coords, atoms=atoms)
    total = found.sums(found.areas)
    weights = found.areas / total[found.owners]
    mean_length = found.sums(weights * found.lengths)
    spread = found.sums(weights * np.abs(found.lengths - mean_length[found.owners])) / mean_length
    volumes = found.sums(found.areas * found.lengths) / 6.0  # pyramids as high as half a bond
    mean_volume = float(shares @ volumes)
    spheres = 4.0 / 3.0 * np.pi * (np.minimum.reduceat(found.lengths, found.starts) / 2.0) ** 3
    table = magpie_table()[1][numbers]
    differences = found.sums(weights[:, None] * np.abs(table[atoms[found.owners]] - table[found.others]))
    statistics: list[list[float]] = [
        _statistics(np.square(total) / found.sums(np.square(found.areas)), shares),
        _statistics(mean_length / (shares @ mean_length), shares)[1:],
        _statistics(spread, shares),
        [_statistics(volumes, shares)[1] / mean_volume, float(shares @ spheres) / mean_volume],
        [_order(found, weights, numbers, shares)],
        *([*_statistics(column, shares), float(np.ptp(column))] for column in differences.T),
    ]
    return np.concatenate(statistics)


def _representatives(lattice: Floats, numbers: NDArray[np.int16], frac_coords: Floats) -> tuple[Integers, Floats]:
    """One atom of every orbit, and the orbits' shares of all atoms: equivalent atoms have the same cell."""
    cell = moyopy.Cell(lattice.tolist(), frac_coords.tolist(), numbers.tolist())
    try:
        orbits = np.asarray(moyopy.MoyoDataset(cell, symprec=_SAME_PLACE).orbits, dtype=np.int64)
    except ValueError:  # no symmetry that it could name
        orbits = np.arange(len(numbers), dtype=np.int64)
    atoms, counts = np.unique(orbits, return_counts=True)
    return atoms, np.asarray(counts / len(numbers))


def _order(found: Faces, weights: Floats, numbers: NDArray[np.int16], atom_shares: Floats) -> float:
    """Mean over atoms and elements of |1 - p / x|: p the share of an element across the faces, x in the crystal."""
    elements, which, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    across = np.zeros((len(found.others), len(elements)))
    across[np.arange(len(found.others)), which[found.others]] = weights
    strangeness = np.abs(1.0 - found.sums(across) * len(numbers) / counts).mean(axis=1)
    return float(atom_shares @ strangeness)


def _statistics(values: Floats, shares: Floats) -> list[float]:
    """Mean, mean absolute deviation, minimum and maximum."""
    mean = float(shares @ values)
    return [mean, float(shares @ np.abs(values - mean)), float(values.min()), float(values.max())]
