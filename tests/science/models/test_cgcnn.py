"""CGCNN: equal to the plain form, honest about elements, devices and foreign weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.errors import CrystalError, DeviceError, FitError, SettingsError, WeightsError
from aiida_mlhull.science.models.batches.graphs import GraphBatch, GraphTensors
from aiida_mlhull.science.models.cgcnn import CGCNN, CGCNNSettings, CrystalGraphNetwork
from aiida_mlhull.science.models.layers.graph_convolutions import SimpleConvolution
from aiida_mlhull.science.representations.crystal_graph import crystal_graphs, plain_graphs
from aiida_mlhull.science.types import Crystals
from tests.science.models.plain_cgcnn import PlainCGCNN, PlainSimpleConvolution
from tests.science.real_crystals import model_rows, mp_crystals, mp_energies

SALT = [[0, 0, 0], [0.5, 0.5, 0.5]]
FLOATS = ("atoms", "distances", "counts")


def lean_batch(crystals):
    """All crystals as one batch of quotient graphs in double precision."""
    batch = GraphTensors(crystal_graphs(crystals), torch.device("cpu")).batch(np.arange(len(crystals)))
    return replace(batch, **{name: getattr(batch, name).double() for name in FLOATS})


def plain_inputs(crystals):
    """The same with one node per atom and all neighbors in a table."""
    graphs = plain_graphs(crystals)
    first = graphs.node_offsets[:-1][np.repeat(np.arange(len(graphs)), graphs.n_edges)]
    return (
        torch.as_tensor(graphs.numbers.astype(np.int64)),
        torch.as_tensor((graphs.others + first).reshape(-1, 12)),
        torch.as_tensor(graphs.distances.reshape(-1, 12).astype(np.float64)),
        crystals.n_sites.tolist(),
    )


@pytest.fixture(scope="module")
def pair():
    """Our network and the plain one with the same weights, in double precision."""
    torch.manual_seed(5)
    lean = CrystalGraphNetwork(CGCNNSettings(), outputs=2)
    rng = torch.Generator().manual_seed(1)
    for name, parameter in lean.named_parameters():
        if "norm" in name:
            parameter.data += 0.3 * torch.randn(parameter.shape, generator=rng)
    plain = PlainCGCNN(outputs=2)
    plain.take_weights(lean)
    plain.midpoints = plain.midpoints.double()
    return lean.double(), plain.double()


def test_values_gradients_and_statistics_equal_the_plain_form(pair):
    lean, plain = pair
    lean.train(), plain.train()
    ours, theirs = lean(lean_batch(mp_crystals())), plain(*plain_inputs(mp_crystals()))
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)

    goal = torch.as_tensor(mp_energies())[:, None]
    for outputs in (ours, theirs):
        (outputs - goal).square().mean().backward()
    for mine, its in zip(lean.convolutions, plain.convolutions, strict=True):
        torch.testing.assert_close(mine.weight.grad, its.full.weight.grad, rtol=1e-8, atol=1e-12)
        # The bias that we leave out has no effect: the normalization after it takes it away.
        assert its.full.bias.grad.abs().max() < 1e-12
        for norm in ("norm_edges", "norm_nodes"):
            own, other = getattr(mine, norm), getattr(its, norm)
            torch.testing.assert_close(own.weight.grad, other.weight.grad, rtol=1e-8, atol=1e-12)
            torch.testing.assert_close(own.bias.grad, other.bias.grad, rtol=1e-8, atol=1e-12)
            torch.testing.assert_close(own.running_var, other.running_var, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(mine.norm_nodes.running_mean, its.norm_nodes.running_mean)
        shifted = mine.norm_edges.running_mean + 0.1 * its.full.bias
        torch.testing.assert_close(shifted, its.norm_edges.running_mean, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(lean.embedding.weight.grad, plain.embedding.weight.grad, rtol=1e-8, atol=1e-12)
    torch.testing.assert_close(lean.output.weight.grad, plain.output.weight.grad, rtol=1e-8, atol=1e-12)


def test_evaluation_equals_the_plain_form(pair):
    lean, plain = pair
    lean.train(), plain.train()
    for _ in range(3):
        lean(lean_batch(mp_crystals())), plain(*plain_inputs(mp_crystals()))
    for mine, its in zip(lean.convolutions, plain.convolutions, strict=True):
        its.full.bias.data.zero_()
        its.norm_edges.running_mean.copy_(mine.norm_edges.running_mean)
    lean.eval(), plain.eval()
    with torch.no_grad():
        torch.testing.assert_close(
            lean(lean_batch(mp_crystals())), plain(*plain_inputs(mp_crystals())), rtol=1e-10, atol=1e-10
        )


def test_the_simple_convolution_equals_the_plain_form():
    torch.manual_seed(2)
    lean = SimpleConvolution(6, 9)
    lean.norm_nodes.weight.data += 0.3 * torch.randn(6)
    plain = PlainSimpleConvolution(6, 9)
    plain.take_weights(lean)
    lean, plain = lean.double(), plain.double()
    batch = lean_batch(mp_crystals())
    numbers, others, distances, _ = plain_inputs(mp_crystals())
    features, midpoints = torch.randn(101, 6, dtype=torch.double), torch.linspace(0, 8, 9, dtype=torch.double)

    def bonds(lengths):
        return torch.exp(-(lengths[..., None] - midpoints).square())

    ours = lean(features[batch.numbers], bonds(batch.distances), batch, batch.pairs)
    theirs = plain(features[numbers], bonds(distances), others)
    sizes = mp_crystals().n_sites.tolist()
    expected = torch.stack([part.mean(dim=0) for part in theirs.split(sizes)])
    torch.testing.assert_close(batch.mean_over_atoms(ours), expected, rtol=1e-9, atol=1e-10)
    batch.mean_over_atoms(ours).square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(lean.weight.grad, plain.heard.weight.grad, rtol=1e-7, atol=1e-10)
    torch.testing.assert_close(lean.own.weight.grad, plain.own.weight.grad, rtol=1e-7, atol=1e-10)
    torch.testing.assert_close(lean.norm_nodes.running_var, plain.norm.running_var, rtol=1e-9, atol=1e-10)


def test_site_contributions_add_up_to_the_prediction():
    model = CGCNN(CGCNNSettings(pooling="linear", convolution="simple", atom_width=8, layers=2, max_epochs=2))
    crystals = mp_crystals()
    inputs = model.represent(model_rows(crystals))
    weights = model.fit(inputs, mp_energies(), train=np.arange(70), validation=np.arange(70, 94), loss="l1", seed=1)
    sites = model.site_contributions(weights, crystals)
    assert sites.shape == crystals.numbers.shape
    means = np.add.reduceat(sites, crystals.offsets[:-1]) / crystals.n_sites
    np.testing.assert_allclose(means, model.predict(weights, inputs)[0], atol=1e-5)
    salt = Crystals.from_structures([Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], SALT)])
    sodium, chlorine = np.split(model.site_contributions(weights, salt), 2)
    assert np.ptp(sodium) < 1e-5 < abs(sodium[0] - chlorine[0])


@pytest.mark.parametrize("variant", [{"convolution": "simple"}, {"pooling": "linear"}])
def test_gradients_reach_every_parameter_of_the_variants(variant):
    torch.manual_seed(0)
    network = CrystalGraphNetwork(CGCNNSettings(atom_width=8, layers=2, hidden_width=8, **variant), outputs=2)
    batch = GraphTensors(crystal_graphs(mp_crystals()), torch.device("cpu")).batch(np.arange(40))
    network(batch).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_site_contributions_need_linear_pooling(fitted):
    model, _, weights = fitted
    with pytest.raises(SettingsError, match="linear"):
        model.site_contributions(weights, mp_crystals())


def test_a_preset_is_spelled_out():
    settings = CGCNNSettings(preset="paper", max_epochs=5)
    assert (settings.optimizer, settings.learning_rate, settings.batch_size) == ("sgd", 0.01, 256)
    assert settings.max_epochs == 5
    assert CGCNNSettings(**settings.model_dump(mode="json")) == settings
    with pytest.raises(ValidationError, match="unknown preset 'fast'; known: checkpoint, paper, thesis"):
        CGCNNSettings(preset="fast")


def test_size_is_the_papers():
    network = CrystalGraphNetwork(CGCNNSettings(), outputs=1)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    convolution = 128 * (64 + 64 + 41) + 2 * 128 + 2 * 64
    assert parameters == (92 * 64 + 64) + 3 * convolution + (64 * 128 + 128) + (128 + 1)


def test_batches_hold_the_graphs_asked_for():
    graphs = crystal_graphs(mp_crystals())
    tensors = GraphTensors(graphs, torch.device("cpu"))
    batch = tensors.batch(np.asarray([7, 3, 7]))
    assert isinstance(batch, GraphBatch)
    assert batch.size == 3
    sizes = graphs.n_nodes[[7, 3, 7]]
    assert torch.bincount(batch.graph_of_node).tolist() == sizes.tolist()
    assert (batch.graph_of_node[batch.centers] == batch.graph_of_node[batch.others]).all()
    received = torch.zeros(len(batch.numbers)).index_add(0, batch.centers, batch.counts)
    assert (received == 12).all()
    ones = torch.ones(len(batch.numbers), 1)
    torch.testing.assert_close(batch.mean_over_atoms(ones), torch.ones(3, 1))


@pytest.fixture(scope="module")
def fitted():
    """A small network that has seen a little."""
    model = CGCNN(CGCNNSettings(atom_width=16, layers=2, hidden_width=16, max_epochs=3, batch_size=32))
    inputs = model.represent(model_rows(mp_crystals()))
    weights = model.fit(
        inputs, mp_energies(), train=np.arange(70), validation=np.arange(70, 94), loss="robust_l1", seed=1
    )
    return model, inputs, weights


def test_weights_of_other_settings_are_refused(fitted):
    _, inputs, weights = fitted
    wider = CGCNN(CGCNNSettings(atom_width=24, layers=2, hidden_width=16))
    with pytest.raises(WeightsError, match="these settings"):
        wider.predict(weights, inputs)


def test_weights_of_another_model_are_refused(fitted):
    model, inputs, weights = fitted
    with pytest.raises(WeightsError, match="not fitted by CGCNN"):
        model.predict(replace(weights, meta={}), inputs)
    with pytest.raises(WeightsError, match="names or shapes"):
        model.predict(replace(weights, arrays={"forest.roots": np.zeros(3)}), inputs)


def test_the_process_is_left_as_it_was(fitted):
    model, inputs, weights = fitted
    threads, deterministic, state = torch.get_num_threads(), False, torch.get_rng_state()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    model.predict(weights, inputs)
    assert torch.get_num_threads() == threads
    assert torch.are_deterministic_algorithms_enabled() is deterministic
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.utils.deterministic.fill_uninitialized_memory is filled


def test_elements_beyond_fermium_are_named():
    rutherfordium = Crystals.from_lists([3 * np.eye(3)], [[104]], [[[0, 0, 0]]])
    with pytest.raises(CrystalError, match="Rf"):
        CGCNN(CGCNNSettings()).represent(model_rows(rutherfordium))


def test_a_device_that_is_not_there(fitted):
    model, inputs, weights = fitted
    with pytest.raises(DeviceError, match="cuda:99"):
        model.predict(weights, inputs, device="cuda:99")
    with pytest.raises(DeviceError, match="not the name"):
        model.predict(weights, inputs, device="abacus")


def test_divergence_is_an_error():
    model = CGCNN(CGCNNSettings(atom_width=8, layers=1, hidden_width=8, learning_rate=1e30, max_epochs=5))
    inputs = model.represent(model_rows(mp_crystals()))
    with pytest.raises(FitError, match="diverged"):
        model.fit(inputs, mp_energies(), train=np.arange(70), validation=np.arange(70, 94), loss="l1", seed=1)
