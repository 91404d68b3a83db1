"""Weighted soft attention over the members of a set: what Roost and Wren are made of.

Source: Goodall and Lee, Nat. Commun. 11 (2020) 6280, Eqs. 2-5. With h_i the features of member i, w_i its
weight, m and e two networks with one hidden layer each, a head's message to i is

    sum_j a_ij m(h_i | h_j),    a_ij = w_j^p exp e(h_i | h_j) / sum_k w_k^p exp e(h_i | h_k),

the mean over heads is added to h_i. Pooling does the same once for a set, with h_j alone. The power p is
learned, one a head.

Equal rearrangements, proved in the tests against the plain form:

- A node that stands for c equal members counts c times: log c is added to its logit.
- The hidden layers of all heads are one product, made once per node and not once per pair:
  W (h_i | h_j) = A h_i + B h_j.
- m's second layer is linear and the a_ij sum to one, so it is applied after the sum, for all heads at once.
- e's last bias shifts all logits of a softmax and is left out; the last biases of m are averaged and are one.
- The reference code adds 1e-10 to the sum of a softmax that has a term of at least w^p; here it doesn't.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad

from aiida_mlhull.science.models.batches.weighted_sets import SetBatch
from aiida_mlhull.science.models.layers.compiled_attention import SLOPE, CompiledAttention
from aiida_mlhull.science.models.layers.precision import in_float32
from aiida_mlhull.science.models.layers.products import linear


class _Attend(torch.autograd.Function):
    """For accelerators; :class:`CompiledAttention` says the same to processors.

    Sum_j a_ij s_ij of the second halves s of z = leaky(r_i + t_j), a the softmax over j of the gates.

    The gate of head h is the scalar product of its K columns in z's first half with v_h, plus a bias.
    Gradients are written out: autograd would keep three tables of the size (sets, i, j, 2 H K), here it is one.
    """

    @staticmethod
    def forward(ctx: Any, received: Tensor, sent: Tensor, gate: Tensor, bias: Tensor) -> Tensor:
        """(b, I, H, K) from (b, I, 2 H K), (b, J, 2 H K), (H, K) and (b, J, H)."""
        heads, width = gate.shape
        hidden = received[:, :, None] + sent[:, None]
        leaky_relu(hidden, SLOPE, inplace=True)
        rows, second = hidden.flatten(0, 2), hidden[..., heads * width :].view(*hidden.shape[:3], heads, width)
        logits = torch.stack([rows[:, head * width : (head + 1) * width] @ gate[head] for head in range(heads)], dim=1)
        shares = torch.softmax(logits.view(*hidden.shape[:3], heads) + bias[:, None], dim=2)
        pooled = second[:, :, 0] * shares[:, :, 0, :, None]
        for member in range(1, second.shape[2]):
            pooled.addcmul_(second[:, :, member], shares[:, :, member, :, None])
        ctx.save_for_backward(hidden, shares, gate)
        return pooled

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        outer = gradients[0]
        hidden, shares, gate = ctx.saved_tensors
        heads, width = gate.shape
        parts = hidden.view(*hidden.shape[:3], 2, heads, width)
        through = (parts[..., 1, :, :] * outer[:, :, None]).sum(-1)
        logits = shares * (through - (shares * through).sum(2, keepdim=True))
        rows, by_head = hidden.flatten(0, 2), logits.flatten(0, 2).T.contiguous()
        products = [by_head[head] @ rows[:, head * width : (head + 1) * width] for head in range(heads)]
        inner = torch.empty_like(hidden)
        halves = inner.view(parts.shape)
        torch.mul(logits[..., None], gate, out=halves[..., 0, :, :])
        torch.mul(shares[..., None], outer[:, :, None], out=halves[..., 1, :, :])
        inner = through_leaky_relu(inner, hidden)
        return inner.sum(2), inner.sum(1), torch.stack(products), logits.sum(1)


def through_leaky_relu(gradient: Tensor, result: Tensor) -> Tensor:
    """The gradient before a leaky ReLU, given the one behind it and its result; torch's own operator where it has one."""
    if hasattr(torch.ops.aten, "leaky_relu_backward"):
        own: Tensor = torch.ops.aten.leaky_relu_backward(gradient, result, SLOPE, self_is_result=True)
        return own
    return torch.where(result > 0, gradient, SLOPE * gradient)


class SoftAttention(nn.Module):
    """Heads of weighted soft attention, C features wide, with K hidden units a network and head."""

    def __init__(self, width: int, *, heads: int, hidden: int, pairs: bool) -> None:
        super().__init__()
        columns = 2 * width if pairs else width
        self.width, self.pairs = width, pairs

        def drawn(*shape: int, inputs: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(*shape).uniform_(-1, 1) / math.sqrt(inputs))

        self.hidden_weight = drawn(2 * heads * hidden, columns, inputs=columns)
        self.hidden_bias = drawn(2 * heads * hidden, inputs=columns)
        self.gate_weight = drawn(heads, hidden, inputs=hidden)
        self.output_weight = drawn(width, heads * hidden, inputs=hidden)
        self.output_bias = drawn(width, inputs=hidden)
        self.power = nn.Parameter(torch.randn(heads))

    def attend(self, rows: Tensor, logs: tuple[Tensor, Tensor], batch: SetBatch) -> Tensor:
        """(V or S, C) means over heads, from (V, 4 H K) products r | t, or (V, 2 H K) t where a set listens."""
        weights, counts = logs
        bias = weights[:, None] * self.power + counts[:, None]
        if rows.device.type == "cpu":
            own = None if self.pairs else self.hidden_bias[None]
            pooled: Tensor = in_float32(CompiledAttention, rows, self.gate_weight, bias, own, batch.starts)
        else:
            pooled = self.attend_by_blocks(rows, bias, batch)
        return linear(pooled, self.output_weight / len(self.power), self.output_bias)

    def attend_by_blocks(self, rows: Tensor, bias: Tensor, batch: SetBatch) -> Tensor:
        """(V or S, H K) pooled hidden units, by tables of all pairs of the sets of one size."""
        pooled = []
        for block in batch.blocks:
            both, own = block.of(rows), self.hidden_bias.expand(block.sets, 1, -1)
            received, sent = both.chunk(2, dim=2) if self.pairs else (own, both)
            pooled.append(in_float32(_Attend, received, sent, self.gate_weight, block.of(bias)).flatten(0, 1))
        return torch.cat(pooled).flatten(1)


class MessageLayer(SoftAttention):
    """Every member listens to all members of its set, itself included."""

    def __init__(self, width: int, *, heads: int, hidden: int) -> None:
        super().__init__(width, heads=heads, hidden=hidden, pairs=True)

    def forward(self, nodes: Tensor, logs: tuple[Tensor, Tensor], batch: SetBatch) -> Tensor:
        """(V, C) from (V, C) ``nodes`` and the (V,) ``logs`` of weights and counts."""
        weight = self.hidden_weight.view(-1, 2, self.width).transpose(0, 1).reshape(-1, self.width)
        rows = linear(nodes, weight, pad(self.hidden_bias, (0, len(self.hidden_bias))))
        return nodes + self.attend(rows, logs, batch)


class AttentionPooling(SoftAttention):
    """Every set listens to its members."""

    def __init__(self, width: int, *, heads: int, hidden: int) -> None:
        super().__init__(width, heads=heads, hidden=hidden, pairs=False)

    def forward(self, nodes: Tensor, logs: tuple[Tensor, Tensor], batch: SetBatch) -> Tensor:
        """(S, C) from (V, C) ``nodes`` and the (V,) ``logs`` of weights and counts."""
        return self.attend(linear(nodes, self.hidden_weight), logs, batch)
