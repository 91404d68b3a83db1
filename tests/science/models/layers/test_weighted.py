"""Weighted layers: gradients by finite differences, values by repeating rows."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import softplus

from aiida_mlhull.science.models.layers.weighted import WeightedBatchNorm, _Normalize, _WeightedGate, gate


def rows_and_counts(seed=0):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(7, 4, generator=generator, dtype=torch.float64)
    return rows, torch.tensor([1, 3, 2, 1, 5, 1, 2])


def test_normalization_gradients():
    rows, counts = rows_and_counts()
    shares = counts / counts.sum().double()
    weight, bias = torch.tensor([1.0, 0.5, -2.0, 3.0]).double(), torch.zeros(4).double()
    inputs = [tensor.requires_grad_() for tensor in (rows, weight, bias)]
    assert torch.autograd.gradcheck(lambda r, w, b: _Normalize.apply(r, shares, w, b)[0], inputs)


def test_gate_gradients():
    rows, counts = rows_and_counts()
    factors = counts.double()
    assert torch.autograd.gradcheck(lambda r: _WeightedGate.apply(r, factors), [rows.requires_grad_()])


def test_gate_values():
    rows, counts = rows_and_counts()
    expected = counts[:, None] * torch.sigmoid(rows[:, :2]) * softplus(rows[:, 2:])
    torch.testing.assert_close(gate(rows, counts.double()), expected)


def test_counted_rows_are_repeated_rows():
    rows, counts = rows_and_counts()
    repeated = rows.repeat_interleave(counts, dim=0)
    ours, theirs = WeightedBatchNorm(4).double(), nn.BatchNorm1d(4).double()
    for _ in range(2):
        mine = ours(rows, counts / counts.sum().double(), counts.sum())
        torch.testing.assert_close(mine.repeat_interleave(counts, dim=0), theirs(repeated))
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours(rows, counts.double(), counts.sum()), theirs(rows))


def test_a_single_row_is_no_trouble():
    layer = WeightedBatchNorm(4)
    out = layer(torch.ones(1, 4, requires_grad=True), torch.ones(1), torch.tensor(1.0))
    out.sum().backward()
    assert torch.isfinite(out).all()
    assert torch.isfinite(layer.running_var).all()
