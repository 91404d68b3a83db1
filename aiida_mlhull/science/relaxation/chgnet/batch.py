"""Several crystals' internal coordinates side by side, as one call of a network takes them.

Every batch carries a little ballast: a fixed handful of atoms, bonds and angles that belongs to no
crystal. Matrix libraries pick other kernels for very small matrices, and those round differently; with
ballast no matrix is that small, and a crystal's numbers come out the same whichever others share its batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.relaxation.chgnet.geometry import Geometry
from aiida_mlhull.science.types.crystals import Floats, Integers

_BALLAST = 64  # measured: 32 are enough for MKL, 16 are not
_BALLAST_DISTANCE = 2.0  # Å


@dataclass(frozen=True, eq=False)
class PeriodicBatch:
    """Several quotient graphs side by side; all numbers run over the whole batch, ballast last.

    Edges and angles beyond the cutoffs carry no message and are left out; bonds are all there.

    Attributes:
        numbers: (O,) atomic numbers.
        owners: (O,) crystal of every kind of atom; the ballast's is ``n_crystals``.
        shares: (O,) multiplicity over the crystal's atoms; they sum to one in every crystal.
        centers: (E,) kind of the atom that receives the message.
        neighbors: (E,) kind of the atom that sends it.
        bonds: (E,) kind of the bond between them.
        edge_counts: (E,) how many such edges one receiving atom has.
        distances: (U,) Å.
        angle_centers: (A,) kind of the atom at the vertex.
        angle_bonds: (A, 2) kinds of the receiving bond and of the other leg.
        angle_weights: (A,) such messages that one receiving bond gets.
        cosines: (A,).
        n_crystals: how many, ballast not counted.
    """

    numbers: Integers
    owners: Integers
    shares: Floats
    centers: Integers
    neighbors: Integers
    bonds: Integers
    edge_counts: Floats
    distances: Floats
    angle_centers: Integers
    angle_bonds: Integers
    angle_weights: Floats
    cosines: Floats
    n_crystals: int


@dataclass(frozen=True, eq=False)
class Within:
    """Which edges and angles of a crystal lie within a network's cutoffs.

    Attributes:
        edges: (E,) mask.
        angles: (A,) mask.
    """

    edges: NDArray[np.bool_]
    angles: NDArray[np.bool_]

    @classmethod
    def cutoffs(cls, geometry: Geometry, *, bond_cutoff: float, angle_cutoff: float) -> Within:
        """Compare with the cutoffs, in Å."""
        return cls(
            edges=geometry.distances[geometry.graph.bonds] < bond_cutoff,
            angles=np.asarray((geometry.leg_lengths < angle_cutoff).all(axis=1)),
        )

    @property
    def messages(self) -> int:
        """What one evaluation costs, in messages."""
        return int(self.edges.sum()) + int(self.angles.sum())


def join(geometries: Sequence[Geometry], within: Sequence[Within]) -> PeriodicBatch:
    """Lay crystals side by side."""
    parts: list[dict[str, Any]] = []
    atoms = bonds = 0
    for owner, (geometry, inside) in enumerate(zip(geometries, within, strict=True)):
        graph, edges, angles = geometry.graph, inside.edges, inside.angles
        parts.append(
            {
                "numbers": graph.numbers,
                "owners": np.full(len(graph.numbers), owner),
                "shares": graph.multiplicities / geometry.n_atoms,
                "centers": graph.centers[edges] + atoms,
                "neighbors": graph.neighbors[edges] + atoms,
                "bonds": graph.bonds[edges] + bonds,
                "edge_counts": graph.edge_counts[edges],
                "distances": geometry.distances,
                "angle_centers": graph.angle_centers[angles] + atoms,
                "angle_bonds": graph.angle_bonds[angles] + bonds,
                "angle_weights": graph.angle_weights[angles],
                "cosines": geometry.cosines[angles],
            }
        )
        atoms += len(graph.numbers)
        bonds += len(geometry.distances)
    parts.append(_ballast(owner=len(geometries), atoms=atoms, bonds=bonds))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return PeriodicBatch(**joined, n_crystals=len(geometries))


def _ballast(*, owner: int, atoms: int, bonds: int) -> dict[str, Any]:
    """A ring of hydrogen atoms, numbered on from ``atoms`` and ``bonds``."""
    ring, ones = np.arange(_BALLAST), np.ones(_BALLAST)
    return {
        "numbers": np.ones(_BALLAST, dtype=np.int64),
        "owners": np.full(_BALLAST, owner),
        "shares": ones / _BALLAST,
        "centers": ring + atoms,
        "neighbors": np.roll(ring, 1) + atoms,
        "bonds": ring + bonds,
        "edge_counts": ones,
        "distances": _BALLAST_DISTANCE * ones,
        "angle_centers": ring + atoms,
        "angle_bonds": np.column_stack([ring, np.roll(ring, 1)]) + bonds,
        "angle_weights": ones,
        "cosines": np.zeros(_BALLAST),
    }


def deal(
    geometries: Sequence[Geometry], within: Sequence[Within], by_distance: Floats, by_cosine: Floats
) -> Iterator[tuple[Floats, Floats]]:
    """Hand a batch's derivatives back to its crystals: (U,) by distance and (A,) by cosine, zero where left out."""
    bonds = angles = 0
    for geometry, inside in zip(geometries, within, strict=True):
        n_bonds, n_angles = len(geometry.distances), int(inside.angles.sum())
        cosines = np.zeros(len(inside.angles))
        cosines[inside.angles] = by_cosine[angles : angles + n_angles]
        yield by_distance[bonds : bonds + n_bonds], cosines
        bonds += n_bonds
        angles += n_angles
