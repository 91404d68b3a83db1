"""Roost and Wren as the papers have them: every pair of members concatenated, one network a head, no merging."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn.functional import leaky_relu, relu


def two_layers(inputs, hidden, outputs):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.LeakyReLU(), nn.Linear(hidden, outputs))


class PlainHead(nn.Module):
    """Eqs. 3-5 of Goodall and Lee: gate, power of the weight, softmax, message."""

    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.gate, self.message = two_layers(inputs, hidden, 1), two_layers(inputs, hidden, outputs)
        self.power = nn.Parameter(torch.randn(()))

    def forward(self, heard, weights):
        """(outputs,) from (n, inputs) of what is heard and (n,) weights."""
        logits = self.gate(heard)[:, 0]
        shares = weights**self.power * torch.exp(logits - logits.max())
        return (shares / shares.sum()) @ self.message(heard)


class PlainSets(nn.Module):
    """Message layers, pooling and output network on one set of members after the other."""

    def __init__(self, lean, *, hidden, outputs):
        super().__init__()
        width = lean.messages[0].width
        heads, pooling_heads = len(lean.messages[0].power), len(lean.pooling.power)
        self.messages = nn.ModuleList(
            nn.ModuleList(PlainHead(2 * width, hidden, width) for _ in range(heads)) for _ in lean.messages
        )
        self.pooling = nn.ModuleList(PlainHead(width, hidden, width) for _ in range(pooling_heads))
        widths = [width, *(layer.out_features for layer in lean.output.layers)]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.skips = nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in pairwise(widths))
        self.last = nn.Linear(widths[-1], outputs)
        for ours, heads_of_layer in zip([*lean.messages, lean.pooling], [*self.messages, self.pooling], strict=True):
            take_heads(ours, heads_of_layer, hidden)
        for ours, theirs in ((lean.output.layers, self.layers), (lean.output.skips, self.skips)):
            for mine, its in zip(ours, theirs, strict=True):
                its.load_state_dict(mine.state_dict())
        self.last.load_state_dict(lean.output.output.state_dict())

    def one_set(self, nodes, weights):
        """(C,) from (n, C) first features and (n,) weights."""
        for heads in self.messages:
            updates = []
            for own in nodes:
                heard = torch.cat([own.expand_as(nodes), nodes], dim=1)
                updates.append(torch.stack([head(heard, weights) for head in heads]).mean(dim=0))
            nodes = nodes + torch.stack(updates)
        return torch.stack([head(nodes, weights) for head in self.pooling]).mean(dim=0)

    def forward(self, materials):
        """(B, outputs) from B lists of equivalent sets, each (n, C) first features and (n,) weights."""
        rows = torch.stack([torch.stack([self.one_set(*part) for part in sets]).mean(dim=0) for sets in materials])
        for layer, skip in zip(self.layers, self.skips, strict=True):
            rows = relu(layer(rows)) + skip(rows)
        return self.last(rows)


def take_heads(ours, heads, hidden):
    """The weights of our fused heads; gates' last biases keep whatever value they have, messages' are all ours."""
    size = len(heads) * hidden
    for head, plain in enumerate(heads):
        for network, first in ((plain.gate, 0), (plain.message, size)):
            rows = slice(first + head * hidden, first + (head + 1) * hidden)
            network[0].weight.data.copy_(ours.hidden_weight.data[rows])
            network[0].bias.data.copy_(ours.hidden_bias.data[rows])
        plain.gate[2].weight.data.copy_(ours.gate_weight.data[head][None])
        plain.message[2].weight.data.copy_(ours.output_weight.data[:, head * hidden : (head + 1) * hidden])
        plain.message[2].bias.data.copy_(ours.output_bias.data)
        plain.power.data.copy_(ours.power.data[head])
    assert leaky_relu(torch.tensor(-1.0)) == heads[0].gate[1](torch.tensor(-1.0))


def gradients_of_heads(heads):
    """Gradients of the plain heads in the shapes of our fused parameters."""
    first = [network[0] for part in ("gate", "message") for network in (getattr(head, part) for head in heads)]
    return {
        "hidden_weight": torch.cat([layer.weight.grad for layer in first]),
        "hidden_bias": torch.cat([layer.bias.grad for layer in first]),
        "gate_weight": torch.cat([head.gate[2].weight.grad for head in heads]),
        "output_weight": torch.cat([head.message[2].weight.grad for head in heads], dim=1),
        "output_bias": torch.stack([head.message[2].bias.grad for head in heads]).sum(dim=0),
        "power": torch.stack([head.power.grad for head in heads]),
    }
