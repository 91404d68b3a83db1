"""CGAT: equal to the published form on real crystals, indifferent to volume, dead parts dead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.models.batches.shells import ShellTensors
from aiida_mlhull.science.models.cgat import CGAT, AttentionNetwork, CGATSettings
from aiida_mlhull.science.models.layers.hyper_network import HyperNetwork
from aiida_mlhull.science.types import Crystals
from benchmarks.plain_batches import plain_batch
from benchmarks.published_cgat import PublishedCGAT, take_weights
from tests.science.real_crystals import model_rows, mp_crystals, mp_energies

SMALL = CGATSettings(width=6, edge_width=5, heads=2, layers=3, context_hidden=4, output_widths=(7, 7, 4))


def double(batch):
    graph = replace(batch.graph, **{name: getattr(batch.graph, name).double() for name in ("atoms", "counts")})
    sets = batch.compositions
    sets = replace(sets, **{name: getattr(sets, name).double() for name in ("weights", "counts", "shares")})
    return replace(batch, graph=graph, compositions=sets)


@pytest.fixture(scope="module")
def chosen():
    return mp_crystals().take(np.flatnonzero(mp_crystals().n_sites <= 24)[::2])


@pytest.fixture(scope="module")
def pair():
    torch.manual_seed(3)
    ours = AttentionNetwork(SMALL, outputs=2).double()
    for parameter in ours.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    for update in ours.updates[1:]:
        update.damping.data.fill_(0.4)
    plain = PublishedCGAT(SMALL, outputs=2).double()
    take_weights(plain, ours)
    return ours, plain


def test_values_and_gradients_equal_the_published_form(pair, chosen):
    ours, plain = pair
    tensors = ShellTensors(CGAT(SMALL).represent(model_rows(chosen)), torch.device("cpu"))
    batch = double(tensors.batch(np.arange(len(chosen))))
    mine, theirs = ours(batch), plain(plain_batch(chosen, SMALL, precision=torch.double))
    torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)  # fractions are single numbers, theirs double
    for outputs in (mine, theirs):
        outputs.square().sum().backward()
    for layer, attention, update in zip(plain.layers, ours.attentions, ours.updates, strict=True):
        expected = torch.cat([layer.logits.first.grad, layer.values.first.grad]).flatten(0, 1)
        torch.testing.assert_close(attention.hidden_weight.grad, expected, rtol=1e-4, atol=1e-6)
        last = layer.generated.told[-1][-1].weight.grad
        torch.testing.assert_close(update.network.layers[-1].last.weight.grad, last, rtol=1e-4, atol=1e-6)
        if update.damping is not None:
            torch.testing.assert_close(update.damping.grad, layer.damping.grad, rtol=1e-4, atol=1e-6)
    for name in ("embedding.weight", "context.embedding.weight"):
        torch.testing.assert_close(ours.get_parameter(name).grad, plain.get_parameter(name).grad, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(ours.shells.grad, plain.shells.weight.grad, rtol=1e-4, atol=1e-6)


def test_what_is_left_out_has_no_effect(pair, chosen):
    _, plain = pair
    plain.zero_grad()
    plain(plain_batch(chosen.take([0, 1]), SMALL, precision=torch.double)).sum().backward()
    dead = {name for name, value in plain.named_parameters() if value.grad is None or value.grad.abs().max() < 1e-9}
    assert {name.split(".")[2] for name in dead if name.startswith("layers.0.")} >= {"edge_logits", "edge_values"}
    assert {name.rsplit(".", 1)[1] for name in dead if ".logits." in name} == {"second_bias"}


def test_volume_is_not_read():
    crystals = mp_crystals()
    model = CGAT(CGATSettings(width=8, edge_width=8, heads=1, layers=1, max_epochs=1))
    inputs = model.represent(model_rows(crystals))
    weights = model.fit(inputs, mp_energies(), train=np.arange(70), validation=np.arange(70, 94), loss="l1", seed=1)
    larger = crystals.with_volumes_per_atom(1.02 * crystals.volumes_per_atom)
    means, others = (model.predict(weights, model.represent(model_rows(cells)))[0] for cells in (crystals, larger))
    # All but those where a gap between shells is nearly the one that counts.
    assert (np.abs(means - others) < 1e-5).mean() > 0.9


def test_a_generated_network_by_hand():
    torch.manual_seed(0)
    network = HyperNetwork(3, layers=1)
    told, rows = torch.randn(2, 3), torch.randn(2, 3)
    layer = network.layers[0]
    hidden = told
    for step in layer.hidden:
        hidden = torch.tanh(step(hidden))
    parameters = layer.last(hidden)
    expected = torch.stack([parameters[i, :9].view(3, 3) @ rows[i] + parameters[i, 9:] for i in range(2)])
    torch.testing.assert_close(network(told, rows), expected)
    shared = network(told[:1], rows, torch.tensor([0, 0]))
    torch.testing.assert_close(shared, network(told[:1].expand(2, -1), rows))


def test_size_of_the_paper():
    """118 million were published, of which the parts that get no gradient are left out."""
    settings = CGATSettings(preset="paper")
    assert (settings.width, settings.edge_width, settings.heads, settings.layers) == (128, 512, 6, 5)
    with torch.device("meta"):
        plain = PublishedCGAT(settings, outputs=2)
    dead = [layer.edge_logits for layer in plain.layers] + [layer.edge_values for layer in plain.layers]
    every = sum(parameter.numel() for parameter in plain.parameters())
    without = every - sum(parameter.numel() for part in dead for parameter in part.parameters())
    assert every == pytest.approx(118e6, rel=0.02)
    assert without == pytest.approx(78e6, rel=0.02)


def test_elements_beyond_lawrencium_are_named():
    rutherfordium = Crystals.from_lists([3 * np.eye(3)], [[104]], [[[0, 0, 0]]])
    with pytest.raises(CrystalError, match="Rf"):
        CGAT(CGATSettings()).represent(model_rows(rutherfordium))
