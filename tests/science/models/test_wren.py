"""Wren: equal to the plain form without any merging, by label only, fixed tables fixed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from pymatgen.core import Element

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.models.batches.weighted_sets import SetTensors
from aiida_mlhull.science.models.wren import Wren, WrenNetwork, WrenSettings
from aiida_mlhull.science.representations.elements import element_embedding
from aiida_mlhull.science.representations.protostructure import letters_of
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.representations.wyckoff_positions.embedding import wyckoff_embedding
from aiida_mlhull.science.representations.wyckoff_tables import multiplicities, relabelings
from tests.science.models.plain_sets import PlainSets, gradients_of_heads
from tests.science.real_crystals import mp_crystals, mp_energies, pnictides

SMALL = WrenSettings(
    element_width=5, position_width=6, heads=2, pooling_heads=2, hidden_width=7, layers=2, output_widths=(9, 5)
)


@pytest.fixture(scope="module")
def labels():
    return protostructures(mp_crystals()).tolist()


@pytest.fixture(scope="module")
def lean():
    torch.manual_seed(4)
    return WrenNetwork(SMALL, outputs=2).double()


def plain_inputs(network, labels):
    """First features of every occupied position in every equivalent lettering, none merged."""
    elements, embedding = torch.as_tensor(element_embedding()).double(), wyckoff_embedding()
    materials = []
    for label in labels:
        group, symbols, words = letters_of(label)
        members = [(Element(symbol).Z, letter) for symbol, word in zip(symbols, words, strict=True) for letter in word]
        sites = torch.tensor([multiplicities(group)[letter] for _, letter in members], dtype=torch.double)
        weights = sites / sites.sum()
        own = network.embed_elements(elements[[z for z, _ in members]])
        sets = []
        for lettering in sorted({tuple(choice[letter] for _, letter in members) for choice in relabelings(group)}):
            rows = torch.as_tensor(embedding.table[[embedding.kind(group, letter) for letter in lettering]]).double()
            position = network.embed_positions(torch.cat([rows, weights[:, None]], dim=1))
            sets.append((torch.cat([own, position], dim=1), weights))
        materials.append(sets)
    return materials


def test_values_and_gradients_equal_the_plain_form(lean, labels):
    labels, goal = labels[::4], torch.tensor(mp_energies()[::4])[:, None]
    plain = PlainSets(lean, hidden=SMALL.hidden_width, outputs=2).double()
    theirs = plain(plain_inputs(lean, labels))
    (theirs - goal).square().mean().backward()
    by_plain = {name: value.grad.clone() for name, value in lean.named_parameters() if name.startswith("embed")}
    lean.zero_grad()
    batch = SetTensors(Wren(SMALL).represent_labels(labels), torch.device("cpu")).batch(np.arange(len(labels)))
    ours = lean(replace(batch, **{name: getattr(batch, name).double() for name in ("weights", "counts", "shares")}))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)  # weights are single numbers, theirs double
    (ours - goal).square().mean().backward()
    for name, expected in by_plain.items():
        torch.testing.assert_close(lean.get_parameter(name).grad, expected, rtol=1e-4, atol=1e-6)
    for mine, heads in zip([*lean.messages, lean.pooling], [*plain.messages, plain.pooling], strict=True):
        for name, expected in gradients_of_heads(heads).items():
            torch.testing.assert_close(getattr(mine, name).grad, expected, rtol=1e-4, atol=1e-6)


def test_merging_saves_what_it_promises(labels):
    sets = Wren(SMALL).represent_labels(labels)
    sizes = np.diff(sets.node_offsets)
    pairs = 0
    for label in labels:
        group, _, words = letters_of(label)
        letters = "".join("".join(word) for word in words)
        pairs += len(letters) ** 2 * len({letters.translate(str.maketrans(choice)) for choice in relabelings(group)})
    assert np.square(sizes).sum() < 0.5 * pairs


def test_prediction_depends_on_the_label_only():
    model = Wren(WrenSettings(hidden_width=8, layers=1, output_widths=(8,), max_epochs=1))
    rows = pnictides().take(np.arange(120))
    inputs = model.represent(rows)
    weights = model.fit(inputs, rows.energies, train=np.arange(90), validation=np.arange(90, 120), loss="l1", seed=1)
    means = model.predict(weights, inputs)[0]
    labels = protostructures(rows.crystals)
    assert len(inputs.set_offsets) - 1 == np.unique(labels).size
    for label in np.unique(labels):
        assert np.unique(means[labels == label]).size == 1
    # Polymorphs of one formula that differ in symmetry differ in value, but for labels with equal rows in the table.
    assert np.unique(means).size >= np.unique(labels).size - 2 > 100
    np.testing.assert_array_equal(model.predict(weights, model.represent_labels(labels.tolist()))[0], means)


def test_fixed_tables_stay_fixed():
    network = WrenNetwork(WrenSettings(), outputs=1)
    assert network.elements.shape == (104, 200)
    assert network.positions.shape == (1056, 522)
    assert not any(table.requires_grad for table in (network.elements, network.positions))
    assert "elements" not in network.state_dict()
    assert network.embed_elements.weight.shape == (32, 200)
    assert network.embed_positions.weight.shape == (32, 522 + 1)


def test_labels_that_are_none_are_named():
    with pytest.raises(CrystalError, match="AB_cP2_221_a_z"):
        Wren(WrenSettings()).represent_labels(["AB_cP2_221_a_z:Cl-Cs"])
