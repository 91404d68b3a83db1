"""The two convolutions of CGCNN on quotient graphs.

Source: Xie and Grossman, Phys. Rev. Lett. 120 (2018) 145301. With v_i (C) the features of atom i, u_ij (U) those
of its bond to neighbor j, and g the softplus:

    simple (Eq. 4)    v_i <- g(sum_j (v_j | u_ij) W_c + v_i W_s + b)
    gated (Eq. 5)     v_i <- g(v_i + sum_j sigmoid(z_ij W_f) * g(z_ij W_s)),    z_ij = v_i | v_j | u_ij

As in the authors' code of the gated one, z W and the sum over neighbors are batch-normalized; the sum of the
simple one is, too: twelve positive terms would grow from layer to layer otherwise.
"""

from __future__ import annotations

import math
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, softplus

from aiida_mlhull.science.models.batches.graphs import GraphBatch
from aiida_mlhull.science.models.layers.weighted import WeightedBatchNorm, gate

Convolution = Literal["gated", "simple"]


def _drawn(rows: int, columns: int) -> nn.Parameter:
    """As torch draws a linear layer."""
    return nn.Parameter(torch.empty(rows, columns).uniform_(-1, 1) / math.sqrt(columns))


class GatedConvolution(nn.Module):
    """Eq. 5; ``weight`` is (2 C, 2 C + U), its columns those of v_i, v_j, u_ij, its rows those of W_f, W_s.

    z W = v_i A + v_j B + u_ij C, where the first two products are made once per node, not once per edge. The bias
    of z W is left out: the normalization that follows takes it away again.
    """

    def __init__(self, width: int, gaussians: int) -> None:
        super().__init__()
        self.width = width
        self.weight = _drawn(2 * width, 2 * width + gaussians)
        self.norm_edges = WeightedBatchNorm(2 * width)
        self.norm_nodes = WeightedBatchNorm(width)

    def forward(self, nodes: Tensor, bonds: Tensor, batch: GraphBatch, pairs: Tensor) -> Tensor:
        """New (V, C) features from (V, C) ``nodes`` and (E, U) ``bonds``; ``pairs`` (E,) weight the edges."""
        width, total = self.width, pairs.sum()
        received = linear(nodes, self.weight[:, :width]).index_select(0, batch.centers)
        sent = linear(nodes, self.weight[:, width : 2 * width]).index_select(0, batch.others)
        gates = received + sent + linear(bonds, self.weight[:, 2 * width :])
        messages = gate(self.norm_edges(gates, pairs / total, total), batch.counts)
        summed = messages.new_zeros(nodes.shape).index_add(0, batch.centers, messages)
        return softplus(nodes + self.norm_nodes(summed, batch.atom_shares, batch.atoms.sum()))


class SimpleConvolution(nn.Module):
    """Eq. 4; ``weight`` is (C, C + U), its columns those of v_j and u_ij.

    The sum over neighbors is made first, the product once per node.
    """

    def __init__(self, width: int, gaussians: int) -> None:
        super().__init__()
        self.width = width
        self.weight = _drawn(width, width + gaussians)
        self.own = nn.Linear(width, width)
        self.norm_nodes = WeightedBatchNorm(width)

    def forward(self, nodes: Tensor, bonds: Tensor, batch: GraphBatch, pairs: Tensor) -> Tensor:  # noqa: ARG002
        """New (V, C) features from (V, C) ``nodes`` and (E, U) ``bonds``; nothing is normalized by ``pairs`` here."""
        heard = torch.cat([nodes.index_select(0, batch.others), bonds], dim=1) * batch.counts[:, None]
        summed = heard.new_zeros(len(nodes), heard.shape[1]).index_add(0, batch.centers, heard)
        messages = self.norm_nodes(linear(summed, self.weight), batch.atom_shares, batch.atoms.sum())
        return softplus(messages + self.own(nodes))


CONVOLUTIONS: Final = {"gated": GatedConvolution, "simple": SimpleConvolution}
