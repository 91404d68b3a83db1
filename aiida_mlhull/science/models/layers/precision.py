"""Mixed precision: matrix products in bfloat16, weights and everything else in float32.

bfloat16 keeps the range of float32 and 8 of its 24 bits, so that losses need no scaling (Kalamkar et al.,
arXiv:1905.12322). torch.autocast casts what goes into products; the weights that the optimizer moves, sums over
neighbors, normalizations, softmaxes and losses stay in float32.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

Precision: TypeAlias = Literal["float32", "bf16"]


def mixed(precision: Precision, device: torch.device) -> torch.autocast:
    """The context in which a network is asked."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def in_float32(function: type[torch.autograd.Function], *inputs: Any) -> Any:
    """Apply a function whose gradients are written out, on float32 and outside of :func:`mixed`.

    Its formulas mix tables of the forward and the backward pass, which have to be of one type.
    """
    device = next(value.device.type for value in inputs if isinstance(value, Tensor))
    if not torch.is_autocast_enabled(device):
        return function.apply(*inputs)  # type: ignore[no-untyped-call]
    with torch.autocast(device, enabled=False):
        return function.apply(*(_widened(value) for value in inputs))  # type: ignore[no-untyped-call]


def _widened(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.dtype == torch.bfloat16 else value
