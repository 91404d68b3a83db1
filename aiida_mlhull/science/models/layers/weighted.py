"""Layers whose rows stand for several equal rows each, with gradients written out.

Autograd would keep and pass over some thirty tables of the size (edges, width) where a dozen suffice;
on a processor these passes are most of the time.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from aiida_mlhull.science.models.layers.precision import in_float32

_MOMENTUM = 0.1
_EPSILON = 1e-5


class _Normalize(torch.autograd.Function):
    """y = w (x - m) / sqrt(v + eps) + b, with m = sum_i s_i x_i and v = sum_i s_i (x_i - m)².

    With h = (x - m) / sqrt(v + eps), D = sum_i dL/dy_i and P = sum_i h_i dL/dy_i:
    dL/dx_i = w (dL/dy_i - s_i (D + h_i P)) / sqrt(v + eps), dL/dw = P, dL/db = D.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, shares: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean = shares @ rows
        centered = rows - mean
        variance = shares @ centered.square()
        scale = torch.rsqrt(variance + _EPSILON)
        normalized = centered.mul_(scale)
        ctx.save_for_backward(normalized, shares, weight, scale)
        ctx.mark_non_differentiable(mean, variance)
        return torch.addcmul(bias, normalized, weight), mean, variance

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, Tensor, Tensor]:
        outer, (normalized, shares, weight, scale) = gradients[0], ctx.saved_tensors
        for_bias = outer.sum(0)
        for_weight = (outer * normalized).sum(0)
        inner = torch.addcmul(for_bias, normalized, for_weight).mul_(shares[:, None])
        return (outer - inner).mul_(weight * scale), None, for_weight, for_bias


class _WeightedGate(torch.autograd.Function):
    """c sigmoid(f) softplus(s) for rows f | s and factors c."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, factors: Tensor) -> Tensor:
        width = rows.shape[1] // 2
        opened, core = torch.sigmoid(rows[:, :width]), softplus(rows[:, width:])
        ctx.save_for_backward(rows, factors, opened, core)
        return (opened * core).mul_(factors[:, None])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        rows, factors, opened, core = ctx.saved_tensors
        width = rows.shape[1] // 2
        through = gradients[0] * factors[:, None] * opened
        inner = torch.empty_like(rows)
        torch.mul(through, (1 - opened).mul_(core), out=inner[:, :width])
        torch.mul(through, torch.sigmoid(rows[:, width:]), out=inner[:, width:])
        return inner, None


def gate(rows: Tensor, factors: Tensor) -> Tensor:
    """(n, C) factors times sigmoid of the first C columns times softplus of the last C of (n, 2 C) ``rows``."""
    gated: Tensor = in_float32(_WeightedGate, rows, factors)
    return gated


class WeightedBatchNorm(nn.Module):
    """Batch normalization of rows that stand for several equal rows each; parameters and buffers as in torch."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, rows: Tensor, shares: Tensor, total: Tensor) -> Tensor:
        """Normalize (n, width) ``rows`` with (n,) ``shares`` that sum to one, of ``total`` rows in truth."""
        if not self.training:
            scale = self.weight * torch.rsqrt(self.running_var + _EPSILON)
            return torch.addcmul(self.bias - self.running_mean * scale, rows, scale)
        normalized: Tensor
        normalized, mean, variance = in_float32(_Normalize, rows, shares, self.weight, self.bias)
        with torch.no_grad():
            self.running_mean.lerp_(mean, _MOMENTUM)
            self.running_var.lerp_(variance * (total / (total - 1).clamp_min(1)), _MOMENTUM)
        return normalized
