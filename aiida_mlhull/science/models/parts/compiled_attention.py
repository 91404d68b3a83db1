"""The inner loops of soft attention for processors: every pair in one pass, nothing of the pairs' size stored.

For a set with members j, a listener i and a head h of K hidden units, with z_ij = r_i + t_j cut into the halves of
the gate and of the message, f the leaky ReLU, v the gate's second layer and b_j a bias,

    l_ij = b_j + v . f(z_ij, gate),    a_ij = softmax_j l_ij,    y_i = sum_j a_ij f(z_ij, message).

torch would make, keep and pass over half a dozen tables of (pairs, 2 H K); here a pair's columns stay in the cache
and are made again for the gradients. Inner indices are unsigned: ones that might be negative can't run in vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

SLOPE: Final = 0.01
"""Of the leaky ReLU, below zero."""

_REORDERED: Final = {"reassoc", "contract", "nsz", "arcp"}

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Array = NDArray[Any]


def _compiled(function: _Function) -> _Function:
    """Compile, and keep the machine code where there is a folder that may be written to.

    Sums may be reordered so that they run in vectors; what is infinite or not a number stays so.
    """
    try:
        return cast("_Function", njit(cache=True, nogil=True, error_model="numpy", fastmath=_REORDERED)(function))
    except RuntimeError:  # numba found no such folder
        return cast("_Function", njit(nogil=True, error_model="numpy", fastmath=_REORDERED)(function))


@_compiled
def _forward(  # noqa: PLR0917  (compiled functions take no keywords)
    received: _Array, sent: _Array, gate: _Array, bias: _Array, starts: _Array, pairs: Any, slope: Any
) -> tuple[_Array, _Array]:
    """(listeners, H K) results and (pairs, H) attention."""
    heads, width = gate.shape
    half, units, zero = heads * width, np.uintp(width), slope - slope
    sizes = starts[1:] - starts[:-1]
    pooled = np.zeros((sizes.sum() if pairs else len(sizes), half), dtype=sent.dtype)
    shares = np.empty(((sizes * sizes).sum() if pairs else sizes.sum(), heads), dtype=sent.dtype)
    row, pair = 0, 0
    for one in range(len(sizes)):
        first, size = starts[one], sizes[one]
        for own in range(size if pairs else 1):
            me = np.uintp(first + own if pairs else 0)
            for head in range(heads):
                left, message = np.uintp(head * width), np.uintp(half + head * width)
                logits = shares[pair : pair + size, head]
                for other in range(size):
                    you, total = np.uintp(first + other), zero
                    for k in range(units):
                        z = received[me, left + k] + sent[you, left + k]
                        total += gate[np.uintp(head), k] * max(z, slope * z)
                    logits[other] = bias[first + other, head] + total
                weights = np.exp(logits - logits.max())
                logits[:] = weights / weights.sum()
                for other in range(size):
                    you, share = np.uintp(first + other), logits[other]
                    for k in range(units):
                        z = received[me, message + k] + sent[you, message + k]
                        pooled[np.uintp(row), left + k] += share * max(z, slope * z)
            row += 1
            pair += size
    return pooled, shares


@_compiled
def _backward(  # noqa: PLR0917
    outer: _Array,
    shares: _Array,
    received: _Array,
    sent: _Array,
    gate: _Array,
    starts: _Array,
    pairs: Any,
    slope: Any,
) -> tuple[_Array, _Array, _Array, _Array]:
    """Gradients of received, sent, gate and bias."""
    heads, width = gate.shape
    half, units, zero = heads * width, np.uintp(width), slope - slope
    for_received, for_sent = np.zeros_like(received), np.zeros_like(sent)
    for_gate, for_bias = np.zeros_like(gate), np.zeros((len(sent), heads), dtype=sent.dtype)
    through = np.empty((starts[1:] - starts[:-1]).max(), dtype=sent.dtype)
    row, pair = 0, 0
    for one in range(len(starts) - 1):
        first, size = starts[one], starts[one + 1] - starts[one]
        for own in range(size if pairs else 1):
            me, at = np.uintp(first + own if pairs else 0), np.uintp(row)
            for head in range(heads):
                left, message, h = np.uintp(head * width), np.uintp(half + head * width), np.uintp(head)
                mean = zero
                for other in range(size):
                    you, total = np.uintp(first + other), zero
                    for k in range(units):
                        z = received[me, message + k] + sent[you, message + k]
                        total += outer[at, left + k] * max(z, slope * z)
                    through[other] = total
                    mean += shares[pair + other, head] * total
                for other in range(size):
                    you, share = np.uintp(first + other), shares[pair + other, head]
                    logit = share * (through[other] - mean)
                    for_bias[you, h] += logit
                    flat_share, flat_logit = slope * share, slope * logit
                    for k in range(units):
                        z = received[me, message + k] + sent[you, message + k]
                        step = outer[at, left + k] * (share if z > zero else flat_share)
                        for_received[me, message + k] += step
                        for_sent[you, message + k] += step
                    for k in range(units):
                        z = received[me, left + k] + sent[you, left + k]
                        step = logit if z > zero else flat_logit
                        for_gate[h, k] += step * z
                        step *= gate[h, k]
                        for_received[me, left + k] += step
                        for_sent[you, left + k] += step
            row += 1
            pair += size
    return for_received, for_sent, for_gate, for_bias


class CompiledAttention(torch.autograd.Function):
    """(listeners, H K) from r, t (V, 2 H K), v (H, K), b (V, H) and the sets' starts (S + 1,); gradients written out.

    With ``pairs`` every member listens, r is (V, 2 H K); without, every set does once, r is (1, 2 H K).
    """

    @staticmethod
    def forward(ctx: Any, received: Tensor, sent: Tensor, gate: Tensor, bias: Tensor, *rest: Any) -> Tensor:
        """Results for ``rest``: the starts, and whether all members listen."""
        starts, pairs = rest
        own, told, gates, biases = (
            np.ascontiguousarray(part.detach().numpy()) for part in (received, sent, gate, bias)
        )
        pooled, shares = _forward(own, told, gates, biases, starts, pairs, told.dtype.type(SLOPE))
        ctx.kept = shares, own, told, gates, starts, pairs
        return torch.from_numpy(pooled)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the four tensors."""
        outer = np.ascontiguousarray(gradients[0].numpy())
        shares, own, told, gates, starts, pairs = ctx.kept
        found = _backward(outer, shares, own, told, gates, starts, pairs, outer.dtype.type(SLOPE))
        return *(torch.from_numpy(part) for part in found), None, None
