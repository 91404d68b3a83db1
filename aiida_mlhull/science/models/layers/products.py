"""Matrix products of float32 on processors, by the faster of the two libraries that come with torch.

torch multiplies matrices of float32 with MKL. On an AMD processor with vectors of 512 bits that was 105 GFLOP/s per core,
and 220 with oneDNN, which torch has for other purposes. Both compute x Wᵀ + b in float32; only the order of the sums
differs. Anything else (accelerators, doubles, torch.autocast, processors without AVX-512) goes torch's usual way.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

_BLOCK: Final = 64
"""Rows. oneDNN writes machine code for every number of rows that it meets, which takes as long as a small product:
it only meets multiples of this one, or 1,427 rows of one batch and 1,391 of the next would be compiled for again."""

_COPY: Final = 20
"""Multiplications that MKL makes while a number is copied."""


def linear(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(n, outputs) from (n, inputs) ``rows``, (outputs, inputs) and (outputs,), as torch's function of that name."""
    if rows.dtype != torch.float32 or rows.device.type != "cpu" or not _wide() or torch.is_autocast_enabled("cpu"):
        return functional.linear(rows, weight, bias)
    if not torch.is_grad_enabled():
        return _product(rows, weight, bias)
    product: Tensor = _Linear.apply(rows, weight, bias)  # type: ignore[no-untyped-call]
    return product


class Linear(nn.Linear):
    """torch's layer with :func:`linear`."""

    def forward(self, rows: Tensor) -> Tensor:
        """(n, outputs) from (n, inputs)."""
        return linear(rows, self.weight, self.bias)


@cache
def _wide() -> bool:
    """Whether this torch has oneDNN and this processor vectors of 512 bits."""
    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    has = there and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return has and torch.backends.cpu.get_cpu_capability().startswith("AVX512")


def _product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``rows`` weightᵀ + ``bias`` by blocks: oneDNN sees full ones; the rest is filled up or done by MKL."""
    count, (outputs, inputs) = len(rows), weight.shape
    rest = count % _BLOCK
    if count < _BLOCK:
        return functional.linear(rows, weight, bias)
    if not rest:
        return _asked(rows, weight, bias)
    if inputs <= outputs or _filling_pays(count * inputs, rest * inputs * outputs):
        return _asked(_filled(rows), weight, bias)[:count]
    return torch.cat([_asked(rows[:-rest], weight, bias), functional.linear(rows[-rest:], weight, bias)])


def _outer_product(left: Tensor, right: Tensor) -> Tensor:
    """leftᵀ right, likewise; the narrower one is what gets copied."""
    (count, wide), narrow = left.shape, right.shape[1]
    rest = count % _BLOCK
    if count < _BLOCK:
        return left.T @ right
    if narrow > wide:
        return _outer_product(right, left).T
    if not rest:
        return _asked(right.T, left.T).T
    if _filling_pays(count * (wide + narrow), rest * wide * narrow):
        return _asked(_filled(right).T, _filled(left).T).T
    return _asked(right[:-rest].T, left[:-rest].T).T.addmm_(left[-rest:].T, right[-rest:])


def _filling_pays(copied: int, multiplied: int) -> bool:
    return _COPY * copied < multiplied


def _filled(rows: Tensor) -> Tensor:
    """With rows of zeros up to a full block."""
    return functional.pad(rows, (0, 0, 0, -len(rows) % _BLOCK))


def _asked(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """One call of oneDNN. It copies rows unless they are contiguous; weights may also lie the other way round.

    For weights with gaps between their rows it has nothing but its reference code, a thousand times slower.
    """
    dense = weight if weight.is_contiguous() or weight.T.is_contiguous() else weight.contiguous()
    result: Tensor = torch.ops.mkldnn._linear_pointwise(rows, dense, bias, "none", [], "")  # noqa: SLF001
    return result


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(rows, weight)
        return _product(rows, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        outer, (rows, weight) = gradients[0], ctx.saved_tensors
        for_rows, for_weight, for_bias = ctx.needs_input_grad
        return (
            _product(outer, weight.T) if for_rows else None,
            _outer_product(outer, rows) if for_weight else None,
            outer.sum(0) if for_bias else None,
        )
