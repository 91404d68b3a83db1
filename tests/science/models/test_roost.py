"""Roost: equal to the plain form on real compositions, blind to structure, frugal with equal compositions."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from pymatgen.core import Composition

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.models.batches.weighted_sets import SetTensors
from aiida_mlhull.science.models.layers.compiled_attention import CompiledAttention
from aiida_mlhull.science.models.layers.soft_attention import _Attend
from aiida_mlhull.science.models.roost import Roost, RoostNetwork, RoostSettings
from aiida_mlhull.science.representations.elements import element_embedding
from aiida_mlhull.science.types import Crystals
from tests.science.models.plain_sets import PlainSets, gradients_of_heads
from tests.science.real_crystals import model_rows, mp_crystals, mp_energies, pnictides

SMALL = RoostSettings(width=12, heads=2, pooling_heads=3, hidden_width=7, layers=2, output_widths=(9, 5))
TINY = {"width": 8, "heads": 1, "pooling_heads": 1, "hidden_width": 8, "layers": 1, "output_widths": (8,)}


def double(batch):
    return replace(batch, **{name: getattr(batch, name).double() for name in ("weights", "counts", "shares")})


@pytest.fixture(scope="module")
def lean():
    torch.manual_seed(4)
    return RoostNetwork(SMALL, outputs=2).double()


def plain_inputs(network, crystals):
    """First features of every element, straight from pymatgen's reading of the formula."""
    table = torch.as_tensor(element_embedding()).double()
    materials = []
    for formula in crystals.reduced_formulas():
        parts = Composition(formula).fractional_composition
        weights = torch.tensor(list(parts.values()), dtype=torch.double)
        projected = network.embedding(table[[element.Z for element in parts]])
        materials.append([(torch.cat([projected, weights[:, None]], dim=1), weights)])
    return materials


def test_values_and_gradients_equal_the_plain_form(lean):
    crystals, goal = mp_crystals().take(np.arange(0, 94, 3)), torch.tensor(mp_energies()[::3])[:, None]
    plain = PlainSets(lean, hidden=SMALL.hidden_width, outputs=2).double()
    theirs = plain(plain_inputs(lean, crystals))
    (theirs - goal).square().mean().backward()
    by_plain = lean.embedding.weight.grad.clone()
    lean.zero_grad()
    sets = Roost(SMALL).represent(model_rows(crystals))
    ours = lean(double(SetTensors(sets, torch.device("cpu")).batch(np.arange(len(crystals)))))
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)  # weights are single numbers, theirs double
    (ours - goal).square().mean().backward()
    torch.testing.assert_close(lean.embedding.weight.grad, by_plain, rtol=1e-5, atol=1e-8)
    for mine, heads in zip([*lean.messages, lean.pooling], [*plain.messages, plain.pooling], strict=True):
        for name, expected in gradients_of_heads(heads).items():
            torch.testing.assert_close(getattr(mine, name).grad, expected, rtol=1e-5, atol=1e-8)
        # What we leave out has no effect: a constant in a softmax.
        assert max(head.gate[2].bias.grad.abs().item() for head in heads) < 1e-10


def test_written_out_gradients_are_right():
    torch.manual_seed(0)
    shapes = [(3, 4, 20), (3, 4, 20), (2, 5), (3, 4, 2)]
    assert torch.autograd.gradcheck(
        _Attend.apply, [torch.randn(*shape, dtype=torch.double, requires_grad=True) for shape in shapes]
    )


@pytest.mark.parametrize("pairs", [True, False])
def test_processors_and_accelerators_compute_the_same(lean, pairs):
    """The compiled loops against tables of all pairs, values and gradients."""
    batch = double(
        SetTensors(Roost(SMALL).represent(model_rows(mp_crystals())), torch.device("cpu")).batch(np.arange(30))
    )
    layer = lean.messages[0] if pairs else lean.pooling
    nodes, columns = len(batch.weights), len(layer.hidden_bias) * (2 if pairs else 1)
    bias = torch.randn(nodes, len(layer.power), dtype=torch.double, requires_grad=True)
    rows = torch.randn(nodes, columns, dtype=torch.double, requires_grad=True)
    own = None if pairs else layer.hidden_bias[None]
    inputs = [rows, bias, layer.gate_weight, *([] if pairs else [layer.hidden_bias])]
    results = (
        CompiledAttention.apply(rows, layer.gate_weight, bias, own, batch.starts),
        layer.attend_by_blocks(rows, bias, batch),
    )
    torch.testing.assert_close(*results)
    outer = torch.randn_like(results[0])
    for ours, theirs in zip(*(torch.autograd.grad(result, inputs, outer) for result in results), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_size_is_the_papers():
    """All that the paper counts but three biases a head that no value depends on."""
    network = RoostNetwork(RoostSettings(), outputs=2)
    assert network.elements.shape == (104, 200)
    gate, message = 256 + 1, (256 + 1) * 64
    layer = 3 * (2 * (128 * 256 + 256) + gate + message + 1)
    pooling = 3 * (2 * (64 * 256 + 256) + gate + message + 1)
    widths = [64, 1024, 512, 256, 128, 64]
    residual = sum(2 * a * b + b for a, b in pairwise(widths)) + 64 * 2 + 2
    left_out = 4 * (3 + 2 * 64)  # gates' last biases; messages' last biases, of which one stays for three
    expected = (200 * 63 + 63) + 3 * layer + pooling + residual - left_out
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


@pytest.fixture(scope="module")
def fitted():
    model = Roost(RoostSettings(**TINY, max_epochs=2))
    inputs = model.represent(model_rows(mp_crystals()))
    parts = {"train": np.arange(70), "validation": np.arange(70, 94)}
    return model, model.fit(inputs, mp_energies(), **parts, loss="robust_l1", seed=1)


def test_polymorphs_are_one_material_predicted_once(fitted):
    model, weights = fitted
    rows = pnictides().take(np.arange(60))
    sets = model.represent(rows)
    formulas = np.asarray(rows.formulas)
    assert len(sets.set_offsets) - 1 == len(set(formulas.tolist())) < 60
    means, spreads = model.predict(weights, sets)
    for formula in set(formulas.tolist()):
        assert np.unique(means[formulas == formula]).size == 1
        assert np.unique(spreads[formulas == formula]).size == 1
    assert np.unique(means).size == len(set(formulas.tolist()))


def test_every_weight_is_loaded(fitted):
    """They are not drawn before, so that one that is missed would be whatever was in memory."""
    model, weights = fitted
    state = model.filled(weights, outputs=2).state_dict()
    assert state.keys() == weights.arrays.keys()
    assert all(np.array_equal(value.numpy(), weights.arrays[name]) for name, value in state.items())


def test_formulas_do_without_cells(fitted):
    model, weights = fitted
    by_cell = model.predict(weights, model.represent(model_rows(mp_crystals())))[0]
    by_formula = model.predict(weights, model.represent_formulas(mp_crystals().reduced_formulas()))[0]
    np.testing.assert_allclose(by_formula, by_cell, rtol=1e-12)


def test_elements_beyond_lawrencium_are_named():
    rutherfordium = Crystals.from_lists([3 * np.eye(3)], [[104]], [[[0, 0, 0]]])
    with pytest.raises(CrystalError, match="Rf"):
        Roost(RoostSettings()).represent(model_rows(rutherfordium))
    with pytest.raises(CrystalError, match="Rf"):
        Roost(RoostSettings()).represent_formulas(["NaCl", "RfO2"])
