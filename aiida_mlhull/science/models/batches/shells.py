"""Shell graphs with the compositions of the same crystals, as tensors on one device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from aiida_mlhull.science.models.batches.graphs import GraphBatch, GraphTensors, blocks
from aiida_mlhull.science.models.batches.weighted_sets import SetBatch, SetTensors
from aiida_mlhull.science.representations.shell_graph import ShellGraphs
from aiida_mlhull.science.representations.weighted_sets import WeightedSets
from aiida_mlhull.science.types.crystals import Integers


@dataclass(frozen=True, eq=False)
class ShellInputs:
    """What is read from n crystals.

    Attributes:
        graphs: their neighbors.
        compositions: their elements.
    """

    graphs: ShellGraphs
    compositions: WeightedSets

    def __len__(self) -> int:
        return len(self.graphs)


@dataclass(frozen=True, eq=False)
class ShellBatch:
    """B crystals.

    Attributes:
        graph: nodes and edges.
        shells: (E,).
        compositions: elements.
    """

    graph: GraphBatch
    shells: Tensor
    compositions: SetBatch


class ShellTensors:
    """All crystals on one device."""

    def __init__(self, inputs: ShellInputs, device: torch.device) -> None:
        self.graphs = GraphTensors(inputs.graphs.graphs, device)
        self.shells = torch.as_tensor(inputs.graphs.shells.astype(np.int64), device=device)
        self.compositions = SetTensors(inputs.compositions, device)

    def batch(self, indices: Integers) -> ShellBatch:
        """The crystals at ``indices``."""
        chosen = torch.as_tensor(indices, device=self.graphs.device)
        edges, _, _ = blocks(self.graphs.edge_offsets, chosen)
        return ShellBatch(
            self.graphs.batch(indices), self.shells.index_select(0, edges), self.compositions.batch(indices)
        )
