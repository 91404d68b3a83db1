"""From a cell to the distances and cosines that a network reads, and from its derivatives back to the cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.relaxation.chgnet.quotient import QuotientGraph
from aiida_mlhull.science.types.crystals import Floats


@dataclass(frozen=True, eq=False)
class Geometry:
    """The internal coordinates of one crystal's kinds of bonds and angles.

    Attributes:
        graph: whose bonds and angles.
        n_atoms: atoms in the cell.
        bonds: (U, 3) Å, bond vectors.
        distances: (U,) Å.
        legs: (A, 2, 3) Å, vectors from an angle's vertex to both ends.
        leg_lengths: (A, 2) Å.
        cosines: (A,).
    """

    graph: QuotientGraph
    n_atoms: int
    bonds: Floats
    distances: Floats
    legs: Floats
    leg_lengths: Floats
    cosines: Floats

    @classmethod
    def measure(cls, graph: QuotientGraph, lattice: Floats, positions: Floats) -> Geometry:
        """Measure at a cell (3, 3) and Cartesian positions (N, 3), both in Å."""
        ends = positions[graph.bond_atoms]
        bonds = ends[:, 1] - ends[:, 0] + graph.bond_images @ lattice
        corners = positions[graph.angle_atoms]
        legs = corners[:, 1:] - corners[:, :1] + graph.angle_images @ lattice
        lengths = np.sqrt(np.square(legs).sum(axis=2))
        cosines = (legs[:, 0] * legs[:, 1]).sum(axis=1) / lengths.prod(axis=1)
        return cls(
            graph=graph,
            n_atoms=len(positions),
            bonds=bonds,
            distances=np.sqrt(np.square(bonds).sum(axis=1)),
            legs=legs,
            leg_lengths=lengths,
            cosines=np.clip(cosines, -1.0, 1.0),
        )

    def pull_back(self, by_distance: Floats, by_cosine: Floats) -> tuple[Floats, Floats]:
        """Chain rule to positions and cell.

        Args:
            by_distance: (U,) derivatives of the energy.
            by_cosine: (A,) derivatives of the energy.

        Returns:
            (N, 3) derivatives by Cartesian position and (3, 3) by a strain that takes every vector ``v``
            to ``v @ (1 + strain)``. Both belong to representatives alone: only their products with
            displacements and strains that keep the space group mean something.
        """
        on_bonds = self.bonds * (by_distance / self.distances)[:, None]
        reach = self.leg_lengths.prod(axis=1)
        on_legs = by_cosine[:, None, None] * (
            self.legs[:, ::-1] / reach[:, None, None]
            - self.legs * (self.cosines[:, None] / np.square(self.leg_lengths))[:, :, None]
        )
        graph = self.graph
        positions = np.zeros((self.n_atoms, 3))
        np.add.at(positions, graph.bond_atoms[:, 1], on_bonds)
        np.subtract.at(positions, graph.bond_atoms[:, 0], on_bonds)
        np.add.at(positions, graph.angle_atoms[:, 1:], on_legs)
        np.subtract.at(positions, graph.angle_atoms[:, 0], on_legs.sum(axis=1))
        strain = self.bonds.T @ on_bonds + self.legs.reshape(-1, 3).T @ on_legs.reshape(-1, 3)
        return positions, strain
