"""The inner loops of soft attention for processors: every pair in one pass, nothing of the pairs' size stored.

For a set with members j, a listener i and a head h of K hidden units, with z_ij = r_i + t_j cut into the halves of
the gate and of the message, f the leaky ReLU, v the gate's second layer and b_j a bias,

    l_ij = b_j + v . f(z_ij, gate),    a_ij = softmax_j l_ij,    y_i = sum_j a_ij f(z_ij, message).

torch would make, keep and pass over half a dozen tables of (pairs, 2 H K); here a pair's columns stay in the cache
and are made again for the gradients.
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
def _gate(heard: _Array, told: _Array, weights: _Array, slope: Any) -> Any:
    """Return v . f(r + t)."""
    total = slope - slope
    for k in range(len(weights)):
        z = heard[k] + told[k]
        total += weights[k] * max(z, slope * z)
    return total


@_compiled
def _add_message(result: _Array, heard: _Array, told: _Array, share: Any, slope: Any) -> None:
    """Add a f(r + t)."""
    for k in range(len(result)):
        z = heard[k] + told[k]
        result[k] += share * max(z, slope * z)


@_compiled
def _add_slopes(results: tuple[_Array, _Array], heard: _Array, told: _Array, outer: _Array, factors: Any) -> None:
    """Add factor times outer times f'(r + t) to both results."""
    first, second = results
    factor, slope = factors
    flat, zero = factor * slope, factor - factor
    for k in range(len(outer)):
        step = outer[k] * (factor if heard[k] + told[k] > zero else flat)
        first[k] += step
        second[k] += step


@_compiled
def _forward(  # noqa: PLR0917  (compiled functions take no keywords)
    received: _Array, sent: _Array, gate: _Array, bias: _Array, starts: _Array, pairs: Any, slope: Any
) -> tuple[_Array, _Array]:
    """(listeners, H K) results and (pairs, H) attention."""
    heads, width = gate.shape
    half = heads * width
    sizes = starts[1:] - starts[:-1]
    pooled = np.zeros((sizes.sum() if pairs else len(sizes), half), dtype=sent.dtype)
    shares = np.empty(((sizes * sizes).sum() if pairs else sizes.sum(), heads), dtype=sent.dtype)
    row, pair = 0, 0
    for one in range(len(sizes)):
        first, size = starts[one], sizes[one]
        for own in range(size if pairs else 1):
            heard = received[first + own if pairs else 0]
            for head in range(heads):
                left, right = head * width, (head + 1) * width
                logits = shares[pair : pair + size, head]
                for other in range(size):
                    told = sent[first + other, left:right]
                    logits[other] = bias[first + other, head] + _gate(heard[left:right], told, gate[head], slope)
                weights = np.exp(logits - logits.max())
                logits[:] = weights / weights.sum()
                for other in range(size):
                    told = sent[first + other, half + left : half + right]
                    message = heard[half + left : half + right]
                    _add_message(pooled[row, left:right], message, told, logits[other], slope)
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
    half = heads * width
    for_received, for_sent = np.zeros_like(received), np.zeros_like(sent)
    for_gate, for_bias = np.zeros_like(gate), np.zeros((len(sent), heads), dtype=sent.dtype)
    row, pair = 0, 0
    for one in range(len(starts) - 1):
        first, size = starts[one], starts[one + 1] - starts[one]
        for own in range(size if pairs else 1):
            place = first + own if pairs else 0
            heard, back = received[place], for_received[place]
            for head in range(heads):
                gates = slice(head * width, (head + 1) * width)
                messages = slice(half + head * width, half + (head + 1) * width)
                weights, asked = shares[pair : pair + size, head], outer[row, gates]
                through = np.empty(size, dtype=sent.dtype)
                for other in range(size):
                    through[other] = _gate(heard[messages], sent[first + other, messages], asked, slope)
                steps = weights * (through - (weights * through).sum())
                for other in range(size):
                    place = first + other
                    for_bias[place, head] += steps[other]
                    told, results = sent[place, messages], (back[messages], for_sent[place, messages])
                    _add_slopes(results, heard[messages], told, asked, (weights[other], slope))
                    told, results = sent[place, gates], (back[gates], for_sent[place, gates])
                    _add_slopes(results, heard[gates], told, gate[head], (steps[other], slope))
                    _add_message(for_gate[head], heard[gates], told, steps[other], slope)
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
