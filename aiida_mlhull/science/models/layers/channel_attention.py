"""Attention with a weight of its own for every channel, over segments of rows that stand for several each.

Source: Schmidt et al., Sci. Adv. 7 (2021) eabi7948. Head h turns what is heard into logits l and values v of C
channels by two networks with one hidden layer each; channel c of the result is, over the rows r of a segment,

    sum_r a_rc v_rc,    a_rc = n_r exp(l_rc) / sum_s n_s exp(l_sc)

and the heads are averaged. The last bias of the logits is a constant in a softmax and left out; that of the values
passes through it, and the heads' mean of it is one bias.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu


def drawn(*shape: int, inputs: int) -> nn.Parameter:
    """As torch draws a linear layer of so many inputs."""
    return nn.Parameter(torch.empty(*shape).uniform_(-1, 1) / math.sqrt(inputs))


class HeadOutputs(nn.Module):
    """The second layers of all heads: (rows, H K) hidden units to (rows, H, C), or (H C) rows without bias."""

    def __init__(self, heads: int, hidden: int, channels: int) -> None:
        super().__init__()
        self.weight = drawn(heads, hidden, channels, inputs=hidden)

    def forward(self, hidden: Tensor) -> Tensor:
        """(rows, H, C)."""
        heads, width, _ = self.weight.shape
        by_head = leaky_relu(hidden).view(-1, heads, width).transpose(0, 1)
        return torch.bmm(by_head, self.weight).transpose(0, 1)


def attended(logits: Tensor, values: Tensor, *, counts: Tensor, owner: Tensor, size: int) -> Tensor:
    """(size, C) from (rows, H, C) logits and values.

    Args:
        logits: of every row, head and channel.
        values: likewise.
        counts: (rows,) how many equal rows each stands for.
        owner: (rows,) the segment of every row; none of the ``size`` segments is empty.
        size: number of segments.
    """
    shifted = (logits + counts.log()[:, None, None]).flatten(1)
    index = owner[:, None].expand_as(shifted)
    with torch.no_grad():
        highest = shifted.new_full((size, shifted.shape[1]), -math.inf).scatter_reduce(0, index, shifted, "amax")
    weights = torch.exp(shifted - highest.index_select(0, owner))
    sums = torch.zeros_like(highest)
    total = sums.index_add(0, owner, weights)
    summed = sums.index_add(0, owner, weights * values.flatten(1))
    return (summed / total).view(size, *logits.shape[1:]).mean(dim=1)
