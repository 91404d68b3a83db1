"""Weighted sets as tensors on one device, and batches cut out of them, sets of one size side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aiida_mlhull.science.representations.crystal_graph import ranges
from aiida_mlhull.science.representations.weighted_sets import WeightedSets
from aiida_mlhull.science.types.crystals import Integers


class Block(NamedTuple):
    """Sets of one size, whose nodes lie one after the other: all pairs are a broadcast, nothing is gathered.

    Attributes:
        first: its first node in the batch.
        sets: number of sets.
        size: nodes in each.
    """

    first: int
    sets: int
    size: int

    def of(self, nodes: Tensor) -> Tensor:
        """(sets, size, ...) of a table (V, ...)."""
        rows = nodes[self.first : self.first + self.sets * self.size]
        return rows.view(self.sets, self.size, *nodes.shape[1:])


@dataclass(frozen=True, eq=False)
class SetBatch:
    """B rows of m different materials with S sets and V nodes together, sets in the order of their size.

    Attributes:
        elements: (V,) atomic numbers.
        kinds: (V,) rows of the Wyckoff embedding.
        weights: (V,) share of the material's atoms that one member has.
        counts: (V,) members that a node stands for.
        blocks: sets of one size each.
        shares: (S,) weight of a set in its material.
        material_of_set: (S,).
        rows: (B,) the material of every row.
        materials: m.
    """

    elements: Tensor
    kinds: Tensor
    weights: Tensor
    counts: Tensor
    blocks: tuple[Block, ...]
    shares: Tensor
    material_of_set: Tensor
    rows: Tensor
    materials: int

    @property
    def starts(self) -> Integers:
        """(S + 1,) first node of every set, on the host."""
        sizes = np.repeat([block.size for block in self.blocks], [block.sets for block in self.blocks])
        return np.concatenate([[0], np.cumsum(sizes)])

    def mean_over_sets(self, sets: Tensor) -> Tensor:
        """(m, C) mean over the equivalent sets of every material, from (S, C)."""
        weighted = sets * self.shares[:, None]
        return weighted.new_zeros(self.materials, sets.shape[1]).index_add(0, self.material_of_set, weighted)


class SetTensors:
    """All sets; a batch is cut out on the host and sent to the device as a whole."""

    def __init__(self, sets: WeightedSets, device: torch.device) -> None:
        self.sets, self.device = sets, device

    def batch(self, indices: Integers) -> SetBatch:
        """The rows at ``indices``; those of one material share its nodes."""
        sets = self.sets
        materials, rows = np.unique(sets.materials[indices], return_inverse=True)
        chosen, offsets = ranges(sets.set_offsets, materials)
        sizes = np.diff(sets.node_offsets)[chosen]
        order = np.argsort(sizes, kind="stable")
        nodes, _ = ranges(sets.node_offsets, chosen[order])
        owner = np.repeat(np.arange(len(materials)), np.diff(offsets))
        return SetBatch(
            elements=self._sent(sets.elements[nodes]),
            kinds=self._sent(sets.kinds[nodes]),
            weights=self._sent(sets.weights[nodes]),
            counts=self._sent(sets.counts[nodes]),
            blocks=_blocks(sizes),
            shares=self._sent(sets.shares[chosen[order]]),
            material_of_set=self._sent(owner[order]),
            rows=self._sent(rows.ravel()),
            materials=len(materials),
        )

    def _sent(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(values).to(self.device)


def _blocks(sizes: Integers) -> tuple[Block, ...]:
    different, counts = np.unique(sizes, return_counts=True)
    firsts = np.cumsum(different * counts) - different * counts
    return tuple(Block(*numbers) for numbers in zip(firsts.tolist(), counts.tolist(), different.tolist(), strict=True))
