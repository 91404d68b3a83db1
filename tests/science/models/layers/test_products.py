"""Products by oneDNN: as exact as MKL's, gradients too, for any number of rows and any layout."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from torch.nn import functional

from aiida_mlhull.science.models.batches.weighted_sets import SetTensors
from aiida_mlhull.science.models.layers import products
from aiida_mlhull.science.models.layers.products import Linear, linear
from aiida_mlhull.science.models.roost import Roost, RoostNetwork, RoostSettings
from aiida_mlhull.science.models.wren import Wren, WrenNetwork, WrenSettings
from tests.science.real_crystals import model_rows, mp_crystals

HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
LAYOUTS = {
    "dense": torch.randn,
    "columns of a wider table": lambda outputs, inputs: torch.randn(outputs, 2 * inputs)[:, inputs:],
    "transposed": lambda outputs, inputs: torch.randn(inputs, outputs).T,
}

needs_onednn = pytest.mark.skipif(not HAS_ONEDNN, reason="this torch has no oneDNN")


@pytest.fixture
def asked(monkeypatch):
    """oneDNN is used, whatever the processor; what it is asked for is noted, as (rows, inputs)."""
    seen, ask = [], products._asked

    def noting(rows, weight, bias=None):
        seen.append(tuple(rows.shape))
        return ask(rows, weight, bias)

    monkeypatch.setattr(products, "_wide", lambda: True)
    monkeypatch.setattr(products, "_asked", noting)
    return seen


def results(function, rows, weight, bias, outer):
    """Value and gradients."""
    leaves = [part.detach().clone(memory_format=torch.preserve_format).requires_grad_() for part in (rows, weight)]
    leaves += [] if bias is None else [bias.detach().clone().requires_grad_()]
    value = function(*leaves)
    return [value.detach(), *torch.autograd.grad(value, leaves, outer.to(value.dtype))]


@needs_onednn
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("inputs", "outputs"), [(64, 768), (768, 64), (200, 63), (1, 5)])
@pytest.mark.parametrize("count", [1, 63, 64, 65, 127, 700])
def test_as_exact_as_torch(asked, layout, inputs, outputs, count):
    torch.manual_seed(count)
    rows, weight = torch.randn(count, inputs), LAYOUTS[layout](outputs, inputs)
    bias, outer = (torch.randn(outputs) if inputs != 768 else None), torch.randn(count, outputs)
    ours = results(linear, rows, weight, bias, outer)
    theirs = results(functional.linear, rows, weight, bias, outer)
    wide = [None if part is None else part.double() for part in (rows, weight, bias)]
    exact = results(functional.linear, *wide, outer)
    for mine, its, truth in zip(ours, theirs, exact, strict=True):
        assert mine.dtype == torch.float32
        error = (its.double() - truth).abs().max()
        assert (mine.double() - truth).abs().max() <= 2 * error + 1e-6 * truth.abs().max()
    assert bool(asked) == (count >= 64)


@needs_onednn
def test_onednn_meets_few_different_numbers_of_rows(asked):
    """Each is machine code to be written, for the weights' gradients the other way round."""
    weight = torch.randn(96, 64, requires_grad=True)
    for count in range(600, 730, 7):
        linear(torch.randn(count, 64, requires_grad=True), weight).sum().backward()
    assert len(set(asked)) <= 12


@needs_onednn
def test_weights_with_gaps_are_no_trap(asked):
    rows, weight = torch.randn(350, 64), torch.randn(1536, 128)[:, 64:]
    started = time.process_time()
    linear(rows, weight)
    assert asked
    assert time.process_time() - started < 0.5  # oneDNN's reference code takes 2 s


def test_frozen_weights_and_rows_get_no_gradient(asked):
    layer = Linear(64, 8)
    layer.weight.requires_grad_(False)
    layer(torch.randn(70, 64)).sum().backward()
    assert layer.weight.grad is None
    torch.testing.assert_close(layer.bias.grad, torch.full((8,), 70.0))


def test_doubles_and_mixed_precision_go_torchs_way(asked):
    rows, weight = torch.randn(70, 64), torch.randn(8, 64)
    torch.testing.assert_close(linear(rows.double(), weight.double()), rows.double() @ weight.double().T)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert linear(rows, weight).dtype == torch.bfloat16
    assert not asked


@needs_onednn
@pytest.mark.parametrize(
    ("model", "network"),
    [(Roost(RoostSettings()), RoostNetwork), (Wren(WrenSettings()), WrenNetwork)],
    ids=["roost", "wren"],
)
def test_networks_of_the_papers_size_learn_the_same(asked, monkeypatch, model, network):
    torch.manual_seed(1)
    net, inputs = network(model.settings, outputs=1), model.represent(model_rows(mp_crystals()))
    batch = SetTensors(inputs, torch.device("cpu")).batch(np.arange(94))
    found = []
    for wide in (True, False):
        monkeypatch.setattr(products, "_wide", lambda wide=wide: wide)
        outputs = net(batch)
        found.append([outputs, *torch.autograd.grad(outputs.square().mean(), list(net.parameters()))])
    assert asked
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5 * theirs.detach().abs().max().item())
