"""Crystals as graphs: twelve nearest neighbors, atoms that no network can tell apart merged.

Source: Xie and Grossman, Phys. Rev. Lett. 120 (2018) 145301: an atom's edges go to its 12 nearest
neighbors. Two things are added that change no number a network computes.

*A canonical cut.* Where the twelfth neighbor lies in a shell with more atoms than are still wanted,
which ones are taken must not depend on the order of sites, the origin or the choice of cell. Atoms are
colored by refinement (Weisfeiler and Leman) on whole shells: a color is a hash of the element, then
of the multiset of (neighbor's color, distance), until no more atoms part. The cut takes neighbors by
(distance, atomic number, color). Atoms of one color are interchangeable for a message-passing network,
so what choice is left among them has no consequence.

*A quotient.* For the same reason atoms of one color always carry the same features. They are kept
once, with multiplicities on nodes and edges that weight the pooling and the batch normalization: about
half of the nodes and a quarter of the edges on Materials Project crystals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.representations.neighbors import Shells, chunks, nearest_shells, to_distances
from aiida_mlhull.science.types.crystals import Crystals, Floats, Integers

NEIGHBORS: Final = 12
RADIUS: Final = 8.0
"""Å; where the distance expansion ends. Neighbors beyond it are only taken where fewer than 12 lie within."""

Colors = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class CrystalGraphs:
    """Graphs of n crystals with V nodes and E directed edges together, about 300 bytes per crystal.

    Attributes:
        node_offsets: (n + 1,), nodes of graph ``i`` are ``node_offsets[i]:node_offsets[i + 1]``.
        edge_offsets: (n + 1,), likewise for edges.
        numbers: (V,), atomic numbers.
        multiplicities: (V,), atoms of the cell that the node stands for.
        centers: (E,), the atom that receives, numbered within its graph; ascending.
        others: (E,), its neighbor, numbered within its graph.
        distances: (E,), Å.
        counts: (E,), neighbors of one atom that the edge stands for; they sum to 12 for every node.
    """

    node_offsets: Integers
    edge_offsets: Integers
    numbers: NDArray[np.uint8]
    multiplicities: NDArray[np.uint16]
    centers: NDArray[np.uint16]
    others: NDArray[np.uint16]
    distances: NDArray[np.float32]
    counts: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.node_offsets) - 1

    @property
    def n_nodes(self) -> Integers:
        """(n,) nodes in every graph."""
        return np.diff(self.node_offsets)

    @property
    def n_edges(self) -> Integers:
        """(n,) directed edges in every graph."""
        return np.diff(self.edge_offsets)

    @property
    def nbytes(self) -> int:
        """Bytes that all arrays take together."""
        return sum(value.nbytes for value in vars(self).values())

    def take(self, indices: Integers) -> CrystalGraphs:
        """The graphs at ``indices``, in that order."""
        nodes, node_offsets = ranges(self.node_offsets, indices)
        edges, edge_offsets = ranges(self.edge_offsets, indices)
        return CrystalGraphs(
            node_offsets=node_offsets,
            edge_offsets=edge_offsets,
            numbers=self.numbers[nodes],
            multiplicities=self.multiplicities[nodes],
            centers=self.centers[edges],
            others=self.others[edges],
            distances=self.distances[edges],
            counts=self.counts[edges],
        )


def ranges(offsets: Integers, indices: Integers) -> tuple[Integers, Integers]:
    """Positions of the blocks ``indices`` in an array packed by ``offsets``, and their new offsets."""
    counts = np.diff(offsets)[indices]
    new = np.concatenate([[0], np.cumsum(counts)])
    return np.repeat(offsets[:-1][indices] - new[:-1], counts) + np.arange(new[-1]), new


def crystal_graphs(crystals: Crystals, *, neighbors: int = NEIGHBORS) -> CrystalGraphs:
    """The quotient graph of every crystal; equal atoms are merged.

    The same arrays, bit by bit, come out for any order of sites, origin and choice of cell (up to
    distances that differ in the last bit across a rounding border); a supercell changes multiplicities only.
    """
    return _concatenate([_quotient(chunk, neighbors) for chunk in chunks(crystals)])


def plain_graphs(crystals: Crystals, *, neighbors: int = NEIGHBORS) -> CrystalGraphs:
    """The same graphs with one node per atom, in the order of sites: what other codes expect."""
    return _concatenate([_full_graphs(chunk, neighbors) for chunk in chunks(crystals)])


def _quotient(crystals: Crystals, neighbors: int) -> CrystalGraphs:
    shells, colors = _cut_shells(crystals, neighbors)
    owner = np.repeat(np.arange(len(crystals)), crystals.n_sites)
    order = np.lexsort((colors, crystals.numbers, owner))
    new = _changes(owner[order], colors[order])
    node_of_site = np.empty(len(order), dtype=np.int64)
    node_of_site[order] = np.cumsum(new) - 1
    representatives = order[new]

    edges, _ = ranges(shells.starts, representatives)
    centers = np.repeat(np.arange(len(representatives)), neighbors)
    others, steps = node_of_site[shells.points[edges]], shells.steps[edges]
    edge_order = np.lexsort((others, steps, centers))
    first = np.flatnonzero(_changes(centers[edge_order], steps[edge_order], others[edge_order]))
    kept = edge_order[first]
    return _pack(
        owner[representatives],
        crystals.numbers[representatives],
        np.bincount(node_of_site, minlength=len(representatives)),
        (centers[kept], others[kept], steps[kept], np.diff(np.append(first, len(edge_order)))),
        len(crystals),
    )


def _full_graphs(crystals: Crystals, neighbors: int) -> CrystalGraphs:
    shells, _ = _cut_shells(crystals, neighbors)
    owner = np.repeat(np.arange(len(crystals)), crystals.n_sites)
    ones = np.ones(len(shells.points), dtype=np.int64)
    edges = (shells.centers, shells.points, shells.steps, ones)
    return _pack(owner, crystals.numbers, np.ones(len(owner), dtype=np.int64), edges, len(crystals))


def _cut_shells(crystals: Crystals, neighbors: int) -> tuple[Shells, Colors]:
    """Exactly ``neighbors`` pairs for every atom, cut canonically, and the atoms' colors."""
    shells = nearest_shells(crystals, neighbors=neighbors)
    colors = _refine(crystals, shells)
    centers = shells.centers
    neighbor_colors = colors[shells.points]
    order = np.lexsort((shells.points, neighbor_colors, crystals.numbers[shells.points], shells.steps, centers))
    kept = order[np.arange(len(order)) - shells.starts[:-1][centers] < neighbors]
    starts = np.arange(len(crystals.numbers) + 1) * neighbors
    return Shells(starts, shells.points[kept], shells.steps[kept]), colors


def _refine(crystals: Crystals, shells: Shells) -> Colors:
    """(N,) colors: equal where a message-passing network can't tell two atoms apart.

    Colors are 64-bit hashes of what they stand for, so that they mean the same in every crystal. A
    crystal's refinement ends when its number of colors stays, whatever else is in the batch.
    """
    owner = np.repeat(np.arange(len(crystals)), crystals.n_sites)
    colors = _scramble(crystals.numbers.astype(np.uint64))
    known = _count_colors(owner, colors, crystals)
    lengths = _scramble(shells.steps.astype(np.uint64))
    active = np.ones(len(crystals), dtype=bool)
    while active.any():
        messages = _scramble(colors[shells.points] + lengths)
        heard = np.add.reduceat(messages, shells.starts[:-1])
        refined = _scramble(colors * np.uint64(3) + heard)
        colors = np.where(active[owner], refined, colors)
        counted = _count_colors(owner, colors, crystals)
        active &= counted > known
        known = counted
    return colors


def _scramble(values: Colors) -> Colors:
    """Mix the bits of 64-bit words, one to one (the finalizer of Steele's SplitMix64, OOPSLA 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _count_colors(owner: Integers, colors: Colors, crystals: Crystals) -> Integers:
    order = np.lexsort((colors, owner))
    return np.add.reduceat(_changes(owner[order], colors[order]).astype(np.int64), crystals.offsets[:-1])


def _changes(*keys: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a row of sorted keys differs from the row before; true for the first."""
    new = np.ones(len(keys[0]), dtype=bool)
    new[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return new


def _pack(
    owner: Integers,
    numbers: NDArray[np.int16],
    multiplicities: Integers,
    edges: tuple[Integers, Integers, Integers, Integers],
    n: int,
) -> CrystalGraphs:
    """Local node numbers and small types from batch-wide ones."""
    centers, others, steps, counts = edges
    node_offsets = np.searchsorted(owner, np.arange(n + 1))
    first = node_offsets[:-1][owner[centers]]
    return CrystalGraphs(
        node_offsets=node_offsets,
        edge_offsets=np.searchsorted(owner[centers], np.arange(n + 1)),
        numbers=numbers.astype(np.uint8),
        multiplicities=multiplicities.astype(np.uint16),
        centers=(centers - first).astype(np.uint16),
        others=(others - first).astype(np.uint16),
        distances=to_distances(steps).astype(np.float32),
        counts=counts.astype(np.uint8),
    )


def _concatenate(parts: list[CrystalGraphs]) -> CrystalGraphs:
    nothing = np.empty(0, dtype=np.int64)
    empty = _pack(nothing, nothing.astype(np.int16), nothing, (nothing, nothing, nothing, nothing), 0)

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in (empty, *parts)])

    def offsets(name: str) -> Integers:
        counts = [np.diff(getattr(part, name)) for part in (empty, *parts)]
        return np.concatenate([[0], np.cumsum(np.concatenate(counts))])

    return CrystalGraphs(
        node_offsets=offsets("node_offsets"),
        edge_offsets=offsets("edge_offsets"),
        numbers=joined("numbers"),
        multiplicities=joined("multiplicities"),
        centers=joined("centers"),
        others=joined("others"),
        distances=joined("distances"),
        counts=joined("counts"),
    )


def node_weights(graphs: CrystalGraphs) -> Floats:
    """(V,) every node's share of its crystal; the shares of a crystal sum to one."""
    totals = np.add.reduceat(graphs.multiplicities.astype(np.float64), graphs.node_offsets[:-1])
    return np.asarray(graphs.multiplicities / np.repeat(totals, graphs.n_nodes))
