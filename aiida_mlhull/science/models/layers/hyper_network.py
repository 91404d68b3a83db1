"""A network that generates, row by row, the network that a row is put through.

Source: Schmidt et al., Sci. Adv. 7 (2021) eabi7948, with the layers of Sitzmann, Zollhöfer and Wetzstein, NeurIPS
2019: every layer's matrix and bias come from a network of its own with four hidden layers of tanh,
y = W(t) x + b(t); all layers but the last are normalized over their channels and put through tanh.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

_TOLD_LAYERS = 4
_LAST_SCALE = 0.1


class HyperLayer(nn.Module):
    """One generated layer of C x C, told by C numbers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        hidden = [nn.Linear(width, width) for _ in range(_TOLD_LAYERS)]
        self.last = nn.Linear(width, width * width + width)
        for layer in (*hidden, self.last):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.hidden = nn.ModuleList(hidden)
        self.last.weight.data.mul_(_LAST_SCALE)

    def forward(self, told: Tensor, rows: Tensor, which: Tensor | None) -> Tensor:
        """(V, C) from (U, C) ``told`` and (V, C) ``rows``; row i listens to ``told[which[i]]``, or to its own."""
        for layer in self.hidden:
            told = torch.tanh(layer(told))
        generated = self.last(told)
        if which is not None:
            generated = generated.index_select(0, which)
        matrices = generated[:, : self.width**2].view(-1, self.width, self.width)
        biases: Tensor = generated[:, self.width**2 :]
        return torch.bmm(matrices, rows[:, :, None])[:, :, 0] + biases


class HyperNetwork(nn.Module):
    """Four generated layers."""

    def __init__(self, width: int, *, layers: int = 4) -> None:
        super().__init__()
        self.layers = nn.ModuleList(HyperLayer(width) for _ in range(layers))

    def forward(self, told: Tensor, rows: Tensor, which: Tensor | None = None) -> Tensor:
        """(V, C) from (U, C) ``told`` and (V, C) ``rows``; see :meth:`HyperLayer.forward`."""
        for layer in self.layers[:-1]:
            rows = torch.tanh(layer_norm(layer(told, rows, which), rows.shape[1:]))
        last: Tensor = self.layers[-1](told, rows, which)
        return last
