"""The output network of Roost, Wren and CGAT: x <- ReLU(W x + b) + R x, layer by layer, then a linear layer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from aiida_mlhull.science.models.layers.products import Linear


class ResidualNetwork(nn.Module):
    """A fully connected network whose layers add their input, projected without bias where widths differ.

    Source: Goodall and Lee, Nat. Commun. 11 (2020) 6280, methods; the defaults there are 1024, 512, 256, 128, 64.
    """

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int) -> None:
        super().__init__()
        widths = [inputs, *hidden]
        self.layers = nn.ModuleList(Linear(a, b) for a, b in pairwise(widths))
        self.skips = nn.ModuleList(nn.Identity() if a == b else Linear(a, b, bias=False) for a, b in pairwise(widths))
        self.output = Linear(widths[-1], outputs)

    def forward(self, rows: Tensor) -> Tensor:
        """(n, outputs) from (n, inputs)."""
        for layer, skip in zip(self.layers, self.skips, strict=True):
            rows = relu(layer(rows)) + skip(rows)
        outputs: Tensor = self.output(rows)
        return outputs


class ReZeroNetwork(ResidualNetwork):
    """The same with a learned factor for every layer, which starts at zero: x <- a ReLU(W x + b) + R x.

    Source: Bachlechner et al., UAI 2021, as used by Schmidt et al., Sci. Adv. 7 (2021) eabi7948.
    """

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int) -> None:
        super().__init__(inputs, hidden, outputs)
        self.factors = nn.Parameter(torch.zeros(len(hidden)))

    def forward(self, rows: Tensor) -> Tensor:
        """(n, outputs) from (n, inputs)."""
        for factor, layer, skip in zip(self.factors, self.layers, self.skips, strict=True):
            rows = factor * relu(layer(rows)) + skip(rows)
        outputs: Tensor = self.output(rows)
        return outputs
