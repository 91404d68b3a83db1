"""The inner loops of soft attention for processors: every pair in one pass, nothing of the pairs' size stored.

For a set with members j, a listener i and a head h of K hidden units, with z_ij = r_i + t_j cut into the halves of
the gate and of the message, f the leaky ReLU, v the gate's second layer and b_j a bias,

    l_ij = b_j + v . f(z_ij, gate),    a_ij = softmax_j l_ij,    y_i = sum_j a_ij f(z_ij, message).

torch would make, keep and pass over half a dozen tables of (pairs, 2 H K); here a pair's columns stay in the cache
and are made again for the gradients. Inner indices are unsigned, and inner loops touch few arrays: the compiler gives
vectors up where an index might be negative, or where too many arrays might overlap.
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
    """(listeners, H K) results and (pairs, H) attention; t_j is at the end of row j of ``sent``."""
    heads, width = gate.shape
    half, units, zero = heads * width, np.uintp(width), slope - slope
    told = np.uintp(sent.shape[1] - 2 * half)
    sizes = starts[1:] - starts[:-1]
    pooled = np.empty((sizes.sum() if pairs else len(sizes), half), dtype=sent.dtype)
    shares = np.empty(((sizes * sizes).sum() if pairs else sizes.sum(), heads), dtype=sent.dtype)
    row, pair = 0, 0
    for one in range(len(sizes)):
        first, size = starts[one], sizes[one]
        for own in range(size if pairs else 1):
            me = np.uintp(first + own if pairs else 0)
            for head in range(heads):
                left, message = np.uintp(head * width), np.uintp(half + head * width)
                for other in range(size):
                    you, total = np.uintp(first + other), bias[first + other, head]
                    for k in range(units):
                        z = received[me, left + k] + sent[you, told + left + k]
                        total += gate[np.uintp(head), k] * max(z, slope * z)
                    shares[pair + other, head] = total
                highest, whole = shares[pair : pair + size, head].max(), zero
                for other in range(size):
                    share = np.exp(shares[pair + other, head] - highest)
                    shares[pair + other, head] = share
                    whole += share
                for k in range(units):
                    pooled[np.uintp(row), left + k] = zero
                for other in range(size):
                    shares[pair + other, head] /= whole
                    you, share = np.uintp(first + other), shares[pair + other, head]
                    for k in range(units):
                        z = received[me, message + k] + sent[you, told + message + k]
                        pooled[np.uintp(row), left + k] += share * max(z, slope * z)
            row += 1
            pair += size
    return pooled, shares


@_compiled
def _backward(  # noqa: C901, PLR0917  (a call in an inner loop would cost more than the loop)
    outer: _Array,
    shares: _Array,
    received: _Array,
    sent: _Array,
    gate: _Array,
    starts: _Array,
    pairs: Any,
    slope: Any,
) -> tuple[_Array, _Array, _Array, _Array]:
    """Gradients of received, sent, gate and bias; where receivers and senders are the same nodes, the first is the second."""
    heads, width = gate.shape
    half, units, zero = heads * width, np.uintp(width), slope - slope
    told = np.uintp(sent.shape[1] - 2 * half)
    for_sent = np.empty_like(sent)
    for_received = for_sent if pairs else np.zeros_like(received)
    for_gate, for_bias = np.zeros_like(gate), np.zeros((len(sent), heads), dtype=sent.dtype)
    through = np.empty((starts[1:] - starts[:-1]).max(), dtype=sent.dtype)
    step = np.empty(width, dtype=sent.dtype)
    row, pair = 0, 0
    for one in range(len(starts) - 1):
        first, size = starts[one], starts[one + 1] - starts[one]
        for_sent[first : first + size] = zero  # here and not before, so that it is in the cache
        for own in range(size if pairs else 1):
            me, at = np.uintp(first + own if pairs else 0), np.uintp(row)
            for head in range(heads):
                left, message, h = np.uintp(head * width), np.uintp(half + head * width), np.uintp(head)
                mean = zero
                for other in range(size):
                    you, total = np.uintp(first + other), zero
                    for k in range(units):
                        z = received[me, message + k] + sent[you, told + message + k]
                        total += outer[at, left + k] * max(z, slope * z)
                    through[other] = total
                    mean += shares[pair + other, head] * total
                for other in range(size):
                    you, share = np.uintp(first + other), shares[pair + other, head]
                    logit = share * (through[other] - mean)
                    for_bias[you, h] += logit
                    flat_share, flat_logit = slope * share, slope * logit
                    for k in range(units):
                        z = received[me, message + k] + sent[you, told + message + k]
                        step[k] = outer[at, left + k] * (share if z > zero else flat_share)
                    for k in range(units):
                        for_received[me, message + k] += step[k]
                    for k in range(units):
                        for_sent[you, told + message + k] += step[k]
                    for k in range(units):
                        z = received[me, left + k] + sent[you, told + left + k]
                        slopes = logit if z > zero else flat_logit
                        step[k] = slopes * gate[h, k]
                        for_gate[h, k] += slopes * z
                    for k in range(units):
                        for_received[me, left + k] += step[k]
                    for k in range(units):
                        for_sent[you, told + left + k] += step[k]
            row += 1
            pair += size
    return for_received, for_sent, for_gate, for_bias


class CompiledAttention(torch.autograd.Function):
    """(listeners, H K) from rows of t or r | t, v (H, K), b (V, H), r (1, 2 H K) or None, and starts (S + 1,).

    Without an r for all, every member listens, and the rows are its own r | t (V, 4 H K); else every set listens
    once, and the rows are t (V, 2 H K). Gradients are written out.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, gate: Tensor, bias: Tensor, *rest: Any) -> Tensor:
        """The sums over members; ``rest`` is the r for all and the starts."""
        own, starts = rest
        told, gates, biases = (np.ascontiguousarray(part.detach().numpy()) for part in (rows, gate, bias))
        received = told if own is None else np.ascontiguousarray(own.detach().numpy())
        pooled, shares = _forward(received, told, gates, biases, starts, own is None, told.dtype.type(SLOPE))
        ctx.kept = shares, received, told, gates, starts, own is None
        return torch.from_numpy(pooled)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the four tensors."""
        outer = np.ascontiguousarray(gradients[0].numpy())
        shares, received, told, gates, starts, pairs = ctx.kept
        found = _backward(outer, shares, received, told, gates, starts, pairs, outer.dtype.type(SLOPE))
        own, rows, gate, bias = (torch.from_numpy(part) for part in found)
        return rows, gate, bias, None if pairs else own, None
