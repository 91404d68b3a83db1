"""Crystals as graphs whose edges carry the number of their shell, not its distance.

Source: Schmidt, Pettersson, Verdozzi, Botti and Marques, Sci. Adv. 7 (2021) eabi7948: an atom's edges go to its 24
nearest neighbors and are labeled by how many different distances come before, so that a crystal and the same
crystal at another volume are one graph. The public code starts a new shell where a distance grows by more
than 1e-8 Å, so that the last digit of a coordinate decides; here it takes :data:`SHELL_GAP`.

Atoms that a network on such a graph cannot tell apart are merged as in
:mod:`~aiida_mlhull.science.representations.crystal_graph`; edges of one center to one neighbor in one shell are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.representations.crystal_graph import CrystalGraphs, crystal_graphs
from aiida_mlhull.science.types.crystals import Crystals, Integers

SHELL_NEIGHBORS: Final = 24
SHELL_GAP: Final = 0.01
"""Å; a neighbor that is further than the one before by more than this starts a new shell."""


@dataclass(frozen=True, eq=False)
class ShellGraphs:
    """Graphs of n crystals with E edges together.

    Attributes:
        graphs: nodes and edges.
        shells: (E,) number of the shell, from 0.
    """

    graphs: CrystalGraphs
    shells: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.graphs)


def shell_graphs(crystals: Crystals, *, neighbors: int = SHELL_NEIGHBORS, gap: float = SHELL_GAP) -> ShellGraphs:
    """The quotient graph of every crystal with shells for labels."""
    return numbered(crystal_graphs(crystals, neighbors=neighbors), gap=gap)


def numbered(graphs: CrystalGraphs, *, gap: float = SHELL_GAP) -> ShellGraphs:
    """Graphs whose edges, ascending in distance at every center, are numbered by shell and merged within one."""
    owner, centers = _owners_and_centers(graphs)
    shells = shell_numbers(graphs, gap=gap)
    order = np.lexsort((graphs.others, shells, centers))
    keys = np.column_stack([centers, shells, graphs.others])[order]
    first = np.flatnonzero(np.append(True, (keys[1:] != keys[:-1]).any(axis=1))[: len(keys)])
    kept = order[first]
    edges = np.bincount(owner[kept], minlength=len(graphs))
    counts = np.add.reduceat(graphs.counts[order].astype(np.int64), first) if len(first) else first
    merged = CrystalGraphs(
        node_offsets=graphs.node_offsets,
        edge_offsets=np.concatenate([[0], np.cumsum(edges)]),
        numbers=graphs.numbers,
        multiplicities=graphs.multiplicities,
        centers=graphs.centers[kept],
        others=graphs.others[kept],
        distances=graphs.distances[kept],
        counts=counts.astype(np.uint8),
    )
    return ShellGraphs(merged, shells[kept].astype(np.uint8))


def shell_numbers(graphs: CrystalGraphs, *, gap: float = SHELL_GAP) -> Integers:
    """(E,) shell of every edge; edges are sorted by center, then by distance."""
    _, centers = _owners_and_centers(graphs)
    size = len(centers)
    starts = np.append(True, centers[1:] != centers[:-1])[:size]
    grows = np.append(False, np.diff(graphs.distances.astype(np.float64)) > gap)[:size]
    steps = np.cumsum(grows | starts)
    return np.asarray(steps - np.repeat(steps[starts], np.diff(np.append(np.flatnonzero(starts), size))))


def _owners_and_centers(graphs: CrystalGraphs) -> tuple[Integers, Integers]:
    """(E,) the graph of every edge, and its center numbered over all graphs."""
    owner = np.repeat(np.arange(len(graphs)), graphs.n_edges)
    return owner, graphs.centers + graphs.node_offsets[:-1][owner]
