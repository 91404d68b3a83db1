"""Crystal graphs as tensors on one device, and batches cut out of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from aiida_mlhull.science.representations.crystal_graph import CrystalGraphs
from aiida_mlhull.science.types.crystals import Integers


@dataclass(frozen=True, eq=False)
class GraphBatch:
    """B graphs with V nodes and E edges together, on one device.

    Attributes:
        numbers: (V,), atomic numbers.
        atoms: (V,), atoms that the node stands for.
        graph_of_node: (V,).
        centers: (E,), receiving node.
        others: (E,), its neighbor's node.
        distances: (E,), Å.
        counts: (E,), neighbors that the edge stands for.
        size: B.
    """

    numbers: Tensor
    atoms: Tensor
    graph_of_node: Tensor
    centers: Tensor
    others: Tensor
    distances: Tensor
    counts: Tensor
    size: int

    @property
    def atom_shares(self) -> Tensor:
        """(V,) share of the batch's atoms that a node stands for."""
        return self.atoms / self.atoms.sum()

    @property
    def pairs(self) -> Tensor:
        """(E,) pairs of atoms that an edge stands for."""
        return self.atoms.index_select(0, self.centers) * self.counts

    def mean_over_atoms(self, nodes: Tensor) -> Tensor:
        """(B, C) mean over the atoms of every crystal, from (V, C) ``nodes``."""
        atoms = self.atoms.new_zeros(self.size).index_add(0, self.graph_of_node, self.atoms)
        weighted = nodes * (self.atoms / atoms.index_select(0, self.graph_of_node))[:, None]
        return weighted.new_zeros(self.size, nodes.shape[1]).index_add(0, self.graph_of_node, weighted)


class GraphTensors:
    """All graphs in flat tensors on one device; batches are cut out by index arithmetic."""

    def __init__(self, graphs: CrystalGraphs, device: torch.device) -> None:
        self.device = device
        self.node_offsets = torch.as_tensor(graphs.node_offsets, device=device)
        self.edge_offsets = torch.as_tensor(graphs.edge_offsets, device=device)
        self.numbers = torch.as_tensor(graphs.numbers.astype(np.int64), device=device)
        self.atoms = torch.as_tensor(graphs.multiplicities.astype(np.float32), device=device)
        self.centers = torch.as_tensor(graphs.centers.astype(np.int64), device=device)
        self.others = torch.as_tensor(graphs.others.astype(np.int64), device=device)
        self.distances = torch.as_tensor(graphs.distances, device=device)
        self.counts = torch.as_tensor(graphs.counts.astype(np.float32), device=device)

    def batch(self, indices: Integers) -> GraphBatch:
        """The graphs at ``indices``."""
        chosen = torch.as_tensor(indices, device=self.device)
        nodes, node_counts, first_nodes = blocks(self.node_offsets, chosen)
        edges, edge_counts, _ = blocks(self.edge_offsets, chosen)
        first = torch.repeat_interleave(first_nodes, edge_counts)
        return GraphBatch(
            numbers=self.numbers.index_select(0, nodes),
            atoms=self.atoms.index_select(0, nodes),
            graph_of_node=torch.repeat_interleave(torch.arange(len(chosen), device=self.device), node_counts),
            centers=self.centers.index_select(0, edges) + first,
            others=self.others.index_select(0, edges) + first,
            distances=self.distances.index_select(0, edges),
            counts=self.counts.index_select(0, edges),
            size=len(chosen),
        )


def blocks(offsets: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Positions of the chosen blocks, their sizes, and where they start in the batch."""
    sizes = offsets[chosen + 1] - offsets[chosen]
    starts = torch.cumsum(sizes, 0) - sizes
    total = int(sizes.sum())
    positions = torch.repeat_interleave(offsets[chosen] - starts, sizes) + torch.arange(total, device=offsets.device)
    return positions, sizes, starts
