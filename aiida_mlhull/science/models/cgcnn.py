"""Crystal graph convolutional network with the gated convolution, on quotient graphs.

Source: Xie and Grossman, Phys. Rev. Lett. 120 (2018) 145301. With v_i the features of atom i, u_ij
those of its bond to neighbor j (Gaussians of the distance) and z_ij = v_i | v_j | u_ij, layer t is (Eq. 5)

    v_i <- g(v_i + sum_j sigmoid(z_ij W_f) * g(z_ij W_s))

with g the softplus; as in the authors' code, z W and the sum are batch-normalized. Then come the mean
over atoms (Eq. 6), g, a hidden layer, g, and the output. Defaults are the paper's: 64 atom features,
3 convolutions, one hidden layer of 128, 41 Gaussians from 0 to 8 Å.

Equal rearrangements, proved in the tests against the plain form on real crystals:

- Atoms that no such network can tell apart are one node with a multiplicity (see
  :mod:`~aiida_mlhull.science.representations.crystal_graph`); it weights sums, means and the statistics
  of the batch normalization.
- z W = v_i A + v_j B + u_ij C: the first two products are made once a node, not once an edge.
- The bias of z W is left out: the batch normalization that follows takes it away again.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import linear, softplus

from aiida_mlhull.science.models.base import ModelSettings
from aiida_mlhull.science.models.parts.graph_batches import GraphBatch, GraphTensors
from aiida_mlhull.science.models.parts.network_model import NetworkModel
from aiida_mlhull.science.models.parts.training import TrainingSettings
from aiida_mlhull.science.models.parts.weighted import WeightedBatchNorm, gate
from aiida_mlhull.science.representations.crystal_graph import NEIGHBORS, RADIUS, CrystalGraphs, crystal_graphs
from aiida_mlhull.science.representations.elements import ATOM_FEATURES, atom_features, check_atom_features
from aiida_mlhull.science.types import ModelRows


class CGCNNSettings(TrainingSettings):
    """Settings of :class:`CGCNN`.

    Attributes:
        atom_width: features of an atom.
        layers: convolutions.
        hidden_width: width of the hidden layers after pooling.
        hidden_layers: their number.
        gaussians: functions that expand the distance.
        radius: Å; center of the last one.
        neighbors: of every atom.
    """

    atom_width: int = Field(default=64, ge=1)
    layers: int = Field(default=3, ge=1)
    hidden_width: int = Field(default=128, ge=1)
    hidden_layers: int = Field(default=1, ge=1)
    gaussians: int = Field(default=41, ge=2)
    radius: float = Field(default=RADIUS, gt=0)
    neighbors: int = Field(default=NEIGHBORS, ge=1)


class GatedConvolution(nn.Module):
    """Eq. 5; ``weight`` is (2 C, 2 C + U), its columns those of v_i, v_j, u_ij, its rows those of W_f, W_s."""

    def __init__(self, width: int, gaussians: int) -> None:
        super().__init__()
        self.width = width
        inputs = 2 * width + gaussians
        self.weight = nn.Parameter(torch.empty(2 * width, inputs).uniform_(-1, 1) / math.sqrt(inputs))
        self.norm_edges = WeightedBatchNorm(2 * width)
        self.norm_nodes = WeightedBatchNorm(width)

    def forward(self, nodes: Tensor, bonds: Tensor, batch: GraphBatch, pairs: Tensor) -> Tensor:
        """New (V, C) features from (V, C) ``nodes`` and (E, U) ``bonds``; ``pairs`` (E,) weight the edges."""
        width, total = self.width, pairs.sum()
        received = linear(nodes, self.weight[:, :width]).index_select(0, batch.centers)
        sent = linear(nodes, self.weight[:, width : 2 * width]).index_select(0, batch.others)
        gates = received + sent + linear(bonds, self.weight[:, 2 * width :])
        messages = gate(self.norm_edges(gates, pairs / total, total), batch.counts)
        summed = torch.zeros_like(nodes).index_add(0, batch.centers, messages)
        return softplus(nodes + self.norm_nodes(summed, batch.atom_shares, batch.atoms.sum()))


class CrystalGraphNetwork(nn.Module):
    """The whole network; ``outputs`` columns come out, for standardized targets."""

    features: Tensor
    midpoints: Tensor

    def __init__(self, settings: CGCNNSettings, *, outputs: int) -> None:
        super().__init__()
        self.register_buffer("features", torch.as_tensor(atom_features()), persistent=False)
        self.register_buffer("midpoints", torch.linspace(0, settings.radius, settings.gaussians), persistent=False)
        self.step = settings.radius / (settings.gaussians - 1)
        width, hidden = settings.atom_width, settings.hidden_width
        self.embedding = nn.Linear(ATOM_FEATURES, width)
        self.convolutions = nn.ModuleList(GatedConvolution(width, settings.gaussians) for _ in range(settings.layers))
        widths = [width] + [hidden] * settings.hidden_layers
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.output = nn.Linear(hidden, outputs)

    def forward(self, batch: GraphBatch) -> Tensor:
        """(B, outputs)."""
        bonds = (batch.distances[:, None] - self.midpoints).div_(self.step).square_().neg_().exp_()
        nodes = self.embedding(self.features).index_select(0, batch.numbers)
        pairs = batch.pairs
        for convolution in self.convolutions:
            nodes = convolution(nodes, bonds, batch, pairs)
        crystals = softplus(batch.mean_over_atoms(nodes))
        for layer in self.hidden:
            crystals = softplus(layer(crystals))
        outputs: Tensor = self.output(crystals)
        return outputs


class CGCNN(NetworkModel):
    """See the module's text."""

    Settings: ClassVar[type[ModelSettings]] = CGCNNSettings
    settings: CGCNNSettings

    def represent(self, rows: ModelRows) -> CrystalGraphs:
        """Quotient graphs.

        Raises:
            CrystalError: on elements beyond fermium, which have no atom features.
        """
        check_atom_features(rows.crystals.numbers)
        return crystal_graphs(rows.crystals, neighbors=self.settings.neighbors)

    def network(self, *, outputs: int) -> CrystalGraphNetwork:
        """A network drawn as torch does by default: all weights from U(-1, 1) / sqrt(inputs)."""
        return CrystalGraphNetwork(self.settings, outputs=outputs)

    def batches(self, inputs: CrystalGraphs, *, device: torch.device) -> GraphTensors:
        """All graphs on the device."""
        return GraphTensors(inputs, device)
