"""One crystal's bonds and angles along its way: collected rarely, measured at every step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.relaxation.chgnet.batch import Within
from aiida_mlhull.science.relaxation.chgnet.geometry import Geometry
from aiida_mlhull.science.relaxation.chgnet.quotient import QuotientGraph, quotient_graph
from aiida_mlhull.science.relaxation.symmetry import SymmetricCell
from aiida_mlhull.science.types.crystals import Floats

SKIN = 0.5
"""Å beyond the cutoffs, so that bonds need collecting again only every few steps."""

SHORTEST_BOND = 0.5
"""Å; nothing real is closer, and no potential was trained there."""

SMALLEST_VOLUME, LARGEST_VOLUME = 0.2, 6.0
"""Times the volume that the composition suggests; beyond, a cell has collapsed or gone to pieces."""


@dataclass(eq=False)
class Survey:
    """Measures the cells that one crystal passes through.

    Attributes:
        cell: its space group.
        suggested_volume: Å³, of the whole cell.
        bond_cutoff: Å.
        angle_cutoff: Å.
        graph: bonds and angles as last collected.
        collected: cell (3, 3) in Å and fractional coordinates (N, 3) at that time.
    """

    cell: SymmetricCell
    suggested_volume: float
    bond_cutoff: float
    angle_cutoff: float
    graph: QuotientGraph | None = None
    collected: tuple[Floats, Floats] | None = None

    def measure(self, lattice: Floats, positions: Floats) -> tuple[Geometry, Within] | None:
        """Measure a cell (3, 3) and Cartesian positions (N, 3) in Å; None if no potential can evaluate it."""
        ratio = abs(float(np.linalg.det(lattice))) / self.suggested_volume
        if not SMALLEST_VOLUME < ratio < LARGEST_VOLUME:  # also true for NaN
            return None
        if self.graph is None or not self._still_complete(lattice, positions):
            self.graph = quotient_graph(
                self.cell,
                lattice,
                positions,
                bond_cutoff=self.bond_cutoff + SKIN,
                angle_cutoff=self.angle_cutoff + SKIN,
            )
            self.collected = lattice, positions @ np.linalg.inv(lattice)
        geometry = Geometry.measure(self.graph, lattice, positions)
        within = Within.cutoffs(geometry, bond_cutoff=self.bond_cutoff, angle_cutoff=self.angle_cutoff)
        overlapping = geometry.distances.min(initial=np.inf) < SHORTEST_BOND
        scattered = len(np.unique(self.graph.centers[within.edges])) < len(self.graph.numbers)
        return None if overlapping or scattered else (geometry, within)

    def _still_complete(self, lattice: Floats, positions: Floats) -> bool:
        """Whether no bond that was beyond the skin can have come within the cutoff."""
        assert self.collected is not None
        old_lattice, old_frac_coords = self.collected
        shrunk = float(np.linalg.svd(np.linalg.inv(old_lattice) @ lattice, compute_uv=False)[-1])
        moved = float(np.sqrt(np.square(positions - old_frac_coords @ lattice).sum(axis=1).max()))
        return all(shrunk * (c + SKIN) - 2.0 * moved > c for c in (self.bond_cutoff, self.angle_cutoff))
