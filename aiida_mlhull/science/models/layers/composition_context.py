"""The context that CGAT's pooling receives: a small Roost, of one head, whose elements are pooled as they are.

Source: Schmidt et al., Sci. Adv. 7 (2021) eabi7948. Message layers as in
:mod:`~aiida_mlhull.science.models.layers.soft_attention`; then sum_i a_i h_i with a_i = softmax_i(p ln w_i + e(h_i)),
where e has one hidden layer, w_i is the element's share and p is learned.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from aiida_mlhull.science.models.batches.weighted_sets import SetBatch
from aiida_mlhull.science.models.layers.channel_attention import drawn
from aiida_mlhull.science.models.layers.soft_attention import MessageLayer


class Context(nn.Module):
    """C numbers for every composition, from D columns per element; ``hidden`` units in every network."""

    def __init__(self, columns: int, width: int, *, layers: int, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Linear(columns, width - 1)
        self.messages = nn.ModuleList(MessageLayer(width, heads=1, hidden=hidden) for _ in range(layers))
        self.hidden = nn.Linear(width, hidden)
        self.gate = drawn(hidden, inputs=hidden)
        self.power = nn.Parameter(torch.randn(()))

    def forward(self, elements: Tensor, batch: SetBatch) -> Tensor:
        """(B, C) from the (104, D) table ``elements``."""
        logs = (batch.weights.log(), batch.counts.log())
        projected = self.embedding(elements).index_select(0, batch.elements)
        nodes = torch.cat([projected, batch.weights[:, None]], dim=1)
        for message in self.messages:
            nodes = message(nodes, logs, batch)
        logits = leaky_relu(self.hidden(nodes)) @ self.gate + self.power * logs[0]
        pooled = []
        for block in batch.blocks:
            shares = torch.softmax(block.of(logits), dim=1)
            pooled.append((shares[:, :, None] * block.of(nodes)).sum(1))
        return batch.mean_over_sets(torch.cat(pooled)).index_select(0, batch.rows)
