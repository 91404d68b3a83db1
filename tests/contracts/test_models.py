"""What every registered model has to keep to; a new model is tested without a new test."""

from __future__ import annotations

import inspect
from typing import get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.models.base import ROBUST, GradualModel, Inheritance, Model
from aiida_mlhull.science.models.families.networks import NetworkModel
from aiida_mlhull.science.models.training.losses import OUTPUTS
from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Crystals, MemberWeights
from aiida_mlhull.science.wire.weights import decode_member, encode_member
from tests.science.real_crystals import disguised, model_rows, mp_crystals, mp_energies, pnictides, supercells

SMALL = {
    "cgat": {
        "width": 8,
        "edge_width": 8,
        "context_hidden": 8,
        "output_widths": [16],
        "learning_rate": 0.02,
        "batch_size": 16,
        "max_epochs": 10,
    },
    "cgcnn": {"atom_width": 16, "layers": 2, "hidden_width": 16, "max_epochs": 25, "batch_size": 16},
    "element_correction": {"penalty": 1.0},
    "magpie_forest": {"trees": 20},
    "roost": {"width": 16, "hidden_width": 16, "output_widths": [32, 16], "learning_rate": 0.01, "max_epochs": 20},
    "trees_gp": {"trees": 20, "linear_up_to": 1e9},
    "voronoi_forest": {"trees": 20},
    "wren": {"hidden_width": 16, "layers": 2, "output_widths": [32, 16], "learning_rate": 0.01, "max_epochs": 20},
}
"""Settings that make a fit quick, and fit for targets of any unit; a model that isn't here is fitted as it comes."""

BY_CELL = {"sine_kernel"}
"""Models whose mathematics depends on the choice of the primitive cell."""

TRAIN, VALIDATION = np.arange(0, 94, 2), np.arange(1, 94, 4)


@pytest.fixture(params=list(MODELS), scope="module")
def name(request):
    return request.param


@pytest.fixture(params=["l1", "robust_l1"], scope="module")
def loss(request):
    return request.param


def build(name):
    cls = MODELS[name]
    return cls(cls.Settings(**SMALL.get(name, {})))


def fit(model, inputs, loss, seed=17):
    return model.fit(inputs, mp_energies(), train=TRAIN, validation=VALIDATION, loss=loss, seed=seed)


@pytest.fixture(scope="module")
def fitted(name, loss):
    """Model, inputs of 94 real crystals, weights of one member."""
    model = build(name)
    inputs = model.represent(model_rows(mp_crystals()))
    return model, inputs, fit(model, inputs, loss)


def skip_if_it_reads_nothing(model):
    if model.reads == "nothing":
        pytest.skip("reads nothing, so that it can't learn")


def same_arrays(first, second):
    return first.keys() == second.keys() and all(first[k].tobytes() == second[k].tobytes() for k in first)


def test_it_is_a_model(name):
    model = build(name)
    assert isinstance(model, Model)
    assert model.Settings(**model.settings.model_dump(mode="json")) == model.settings
    expected = inspect.signature(Model.fit).parameters
    assert list(inspect.signature(type(model).fit).parameters) == list(expected)


def test_unknown_settings_are_refused(name):
    with pytest.raises(ValidationError, match="extra"):
        MODELS[name].Settings(nonsense=1)


def test_it_learns(fitted):
    model, inputs, weights = fitted
    skip_if_it_reads_nothing(model)
    means, _ = model.predict(weights, inputs)
    energies = mp_energies()
    guess = np.abs(energies - np.median(energies[TRAIN])).mean()
    assert np.abs(means - energies)[TRAIN].mean() < guess
    assert weights.scores["validation_mae"] < guess


def test_scores_are_those_of_the_validation_rows(fitted):
    model, inputs, weights = fitted
    errors = model.predict(weights, inputs)[0][VALIDATION] - mp_energies()[VALIDATION]
    assert weights.scores["validation_mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-4)
    assert weights.scores["validation_mse"] == pytest.approx(np.square(errors).mean(), rel=1e-4)
    assert weights.scores["epochs"] >= 1
    assert weights.scores["seconds"] > 0


def test_a_spread_in_every_row_for_the_loss_that_has_one(fitted, loss):
    model, inputs, weights = fitted
    means, spreads = model.predict(weights, inputs)
    assert means.shape == (94,)
    assert means.dtype == np.float64
    assert np.isfinite(means).all()
    if loss == "l1":
        assert spreads is None
    else:
        assert spreads.shape == (94,)
        assert np.isfinite(spreads).all()
        assert (spreads > 0).all()
        assert np.unique(spreads).size > 1 or model.reads == "nothing"


def test_the_same_seed_gives_the_same_bits(name, fitted, loss):
    _, inputs, weights = fitted
    again = fit(build(name), inputs, loss)
    assert same_arrays(weights.arrays, again.arrays)
    assert weights.meta == again.meta
    assert weights.seed == again.seed == 17


def test_another_seed_gives_another_member(name, fitted, loss):
    model, inputs, weights = fitted
    skip_if_it_reads_nothing(model)
    assert not same_arrays(weights.arrays, fit(build(name), inputs, loss, seed=18).arrays)


def test_validation_rows_are_never_learned_from(name, fitted, loss):
    # Their labels may stop a fit or scale a spread, but a fit without the chance to stop must not move.
    model, inputs, _ = fitted
    if "max_epochs" in model.Settings.model_fields:
        model = MODELS[name](MODELS[name].Settings(**{**SMALL.get(name, {}), "max_epochs": 1}))
    wrong = mp_energies().copy()
    wrong[VALIDATION] += 3.0
    right, moved = (
        model.fit(inputs, targets, train=TRAIN, validation=VALIDATION, loss=loss, seed=2)
        for targets in (mp_energies(), wrong)
    )
    assert np.array_equal(model.predict(right, inputs)[0], model.predict(moved, inputs)[0])


def test_any_unit_will_do(name, fitted, loss):
    model, inputs, _ = fitted
    skip_if_it_reads_nothing(model)
    targets = 1000 * mp_energies() + 3000  # meV/atom from another zero
    weights = model.fit(inputs, targets, train=TRAIN, validation=VALIDATION, loss=loss, seed=17)
    means, spreads = model.predict(weights, inputs)
    guess = np.abs(targets - np.median(targets[TRAIN])).mean()
    assert np.abs(means - targets)[TRAIN].mean() < guess
    assert weights.scores["validation_mae"] < guess
    if spreads is not None:
        assert 0.05 * guess < np.median(spreads) < 2 * guess


def test_saved_and_loaded_it_predicts_the_same_bits(fitted):
    model, inputs, weights = fitted
    loaded = decode_member(encode_member(weights))
    assert loaded.meta == weights.meta
    assert loaded.scores == weights.scores
    for ours, theirs in zip(model.predict(weights, inputs), model.predict(loaded, inputs), strict=True):
        assert (ours is None and theirs is None) or np.array_equal(ours, theirs)


def test_weights_are_plain(fitted):
    _, _, weights = fitted
    assert weights.arrays
    assert all(isinstance(value, np.ndarray) and value.dtype != object for value in weights.arrays.values())


def test_weights_of_another_model_are_refused(fitted):
    model, inputs, weights = fitted
    with pytest.raises(WeightsError):
        model.predict(MemberWeights({"foreign": np.zeros(3)}, {"loss": weights.meta["loss"]}, {}, 0), inputs)
    with pytest.raises(WeightsError):
        model.predict(MemberWeights({}, {}, {}, 0), inputs)


@pytest.mark.parametrize("other", ["l2", "robust_l2"])
def test_squared_losses_learn_too(name, other):
    model = build(name)
    skip_if_it_reads_nothing(model)
    inputs = model.represent(model_rows(mp_crystals()))
    means, spreads = model.predict(fit(model, inputs, other), inputs)
    energies = mp_energies()
    assert np.square(means - energies)[TRAIN].mean() < energies[TRAIN].var()
    assert (spreads is not None) == (other in ROBUST)


@pytest.mark.parametrize("what", ["order", "origin", "cell", "turned"])
def test_invariant_to_how_a_crystal_is_written_down(name, fitted, what):
    if name in BY_CELL and what == "cell":
        pytest.skip("depends on the choice of the cell")
    model, inputs, weights = fitted
    chosen = {name: name == what for name in ("order", "origin", "cell", "turned")}
    theirs = model.represent(model_rows(disguised(mp_crystals(), 31, **chosen)))
    for ours, others in zip(model.predict(weights, inputs), model.predict(weights, theirs), strict=True):
        if ours is not None:
            np.testing.assert_allclose(others, ours, atol=1e-4)


def test_invariant_to_supercells(name, fitted):
    if name in BY_CELL:
        pytest.skip("depends on the choice of the cell")
    model, _, weights = fitted
    small = mp_crystals().take(np.flatnonzero(mp_crystals().n_sites <= 8))
    ours, theirs = (model.represent(model_rows(crystals)) for crystals in (small, supercells(small)))
    np.testing.assert_allclose(model.predict(weights, theirs)[0], model.predict(weights, ours)[0], atol=1e-4)


def test_neighbors_in_a_table_change_nothing(fitted):
    model, inputs, weights = fitted
    alone = model.represent(model_rows(mp_crystals().take([40])))
    assert model.predict(weights, alone)[0][0] == pytest.approx(model.predict(weights, inputs)[0][40], abs=1e-5)


def test_one_atom_cells_and_single_elements(name, loss):
    """Elemental and one-atom crystals among the rows to learn from and as the only row to predict."""
    cubic = Crystals.from_lists(
        [a * np.eye(3) for a in (2.5, 3.0, 3.4)] * 8, [[84], [26], [13]] * 8, [[[0.1, 0, 0]]] * 24
    ).with_volumes_per_atom(np.linspace(12, 40, 24))
    model = build(name)
    inputs = model.represent(model_rows(cubic))
    targets = np.linspace(-1, 1, 24)
    weights = model.fit(inputs, targets, train=np.arange(18), validation=np.arange(18, 24), loss=loss, seed=0)
    means, _ = model.predict(weights, model.represent(model_rows(cubic.take([3]))))
    assert means.shape == (1,)
    assert np.isfinite(means).all()


def test_it_tells_apart_what_it_reads(fitted):
    """Two cells of one candidate: all the same by composition, by Wyckoff positions or by coordinates."""
    model, _, weights = fitted
    rows = pnictides().take(np.arange(20))
    unrelaxed, relaxed = (model.represent(model_rows(cells)) for cells in (rows.crystals, rows.relaxed))
    first, second = model.predict(weights, unrelaxed)[0], model.predict(weights, relaxed)[0]
    other = np.abs(first - second) > 1e-6
    assert model.reads in get_args(Reads)
    if model.reads in {"composition", "nothing"}:
        assert not other.any()
    elif model.reads == "wyckoff":
        before, after = protostructures(rows.crystals), protostructures(rows.relaxed)
        np.testing.assert_array_equal(other, before != after)
        assert other.any()
    elif model.reads in {"shells", "descriptors"}:  # a tree gives all rows of a leaf the same
        assert other.mean() > 0.5
    else:
        assert other.all()


def test_gradients_reach_every_parameter(name, loss):
    model = build(name)
    if isinstance(model, NetworkModel):
        torch.manual_seed(3)
        network = model.network(outputs=OUTPUTS[loss]).train()
        with torch.no_grad():  # factors that start at zero pass nothing on, and only then
            for parameter in network.parameters():
                parameter.add_(0.01 * torch.randn_like(parameter))
        inputs = model.represent(model_rows(mp_crystals()))
        outputs = network(model.batches(inputs, device=torch.device("cpu")).batch(np.arange(40)))
        assert outputs.shape == (40, OUTPUTS[loss])
        outputs.square().sum().backward()
        unreached = [key for key, value in network.named_parameters() if value.grad is None or not value.grad.any()]
        assert unreached == []


class Interrupted(Exception):  # noqa: N818  (a kill is not an error)
    """A kill after so many epochs."""


class Kept:
    """Checkpoints in memory, as the bytes that would lie on disk."""

    def __init__(self, epochs):
        self.content, self.left = None, epochs

    def load(self):
        return None if self.content is None else decode_member(self.content)

    def save(self, state):
        self.content = encode_member(state)
        self.left -= 1
        if self.left == 0:
            raise Interrupted


GRADUAL = [name for name in MODELS if issubclass(MODELS[name], NetworkModel)]
ROWS = {"train": TRAIN, "validation": VALIDATION, "seed": 17}


def gradual(name, epochs):
    cls = MODELS[name]
    return cls(cls.Settings(**{**SMALL.get(name, {}), "max_epochs": epochs}))


@pytest.mark.parametrize("name", GRADUAL)
def test_interrupted_and_resumed_is_uninterrupted(name):
    model = gradual(name, 4)
    assert isinstance(model, GradualModel)
    inputs = model.represent(model_rows(mp_crystals()))
    kept = Kept(epochs=2)
    with pytest.raises(Interrupted):
        model.fit_from(None, inputs, mp_energies(), **ROWS, loss="robust_l1", checkpoints=kept)
    resumed = model.fit_from(None, inputs, mp_energies(), **ROWS, loss="robust_l1", checkpoints=kept)
    straight = model.fit(inputs, mp_energies(), **ROWS, loss="robust_l1")
    assert same_arrays(resumed.arrays, straight.arrays)
    assert resumed.scores["history"] == straight.scores["history"]


@pytest.mark.parametrize("name", GRADUAL)
def test_a_head_learns_alone_and_all_layers_together(name):
    model = gradual(name, 2)
    inputs = model.represent(model_rows(mp_crystals()))
    parent = model.fit(inputs, mp_energies(), **ROWS, loss="l1")
    learned = {parameter for parameter, _ in model.network(outputs=1).named_parameters()}
    in_head = {key for key in parent.arrays if any(key == part or key.startswith(f"{part}.") for part in model.HEAD)}
    assert learned & in_head
    assert learned - in_head
    targets = 3.0 - 2.0 * mp_energies()
    for head_only in (True, False):
        start = Inheritance(parent, head_only=head_only, keep_scale=False)
        child = model.fit_from(start, inputs, targets, **ROWS, loss="l1")
        moved = {key for key in parent.arrays if child.arrays[key].tobytes() != parent.arrays[key].tobytes()}
        assert moved & in_head
        assert bool(moved - in_head) != head_only


@pytest.mark.parametrize("name", GRADUAL)
def test_mixed_precision_is_a_setting(name):
    """Products lose bits; weights don't, and the same seed still gives the same ones."""
    full = gradual(name, 3)
    assert full.settings.precision == "float32"
    mixed = type(full)(full.settings.model_copy(update={"precision": "bf16"}))
    assert mixed.settings.model_dump(mode="json")["precision"] == "bf16"
    inputs = full.represent(model_rows(mp_crystals()))
    first, again, exact = (model.fit(inputs, mp_energies(), **ROWS, loss="l1") for model in (mixed, mixed, full))
    assert same_arrays(first.arrays, again.arrays)
    assert {array.dtype for array in first.arrays.values()} == {array.dtype for array in exact.arrays.values()}
    theirs = full.predict(first, inputs)[0]
    rounded = np.abs(mixed.predict(first, inputs)[0] - theirs)
    assert 0 < rounded.mean() < 0.1 * np.std(mp_energies())
    with pytest.raises(ValidationError, match="precision"):
        type(full.settings)(precision="half")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("name", GRADUAL)
def test_an_accelerator_does_the_same(name, precision):
    """Fits reproducibly, predicts what the processor predicts."""
    model = gradual(name, 3)
    model = type(model)(model.settings.model_copy(update={"precision": precision}))
    inputs = model.represent(model_rows(mp_crystals()))
    first, again = (model.fit(inputs, mp_energies(), **ROWS, loss="robust_l1", device="cuda") for _ in range(2))
    assert same_arrays(first.arrays, again.arrays)
    tolerance = 0.1 if precision == "bf16" else 1e-3
    for there, here in zip(model.predict(first, inputs, device="cuda"), model.predict(first, inputs), strict=True):
        np.testing.assert_allclose(there, here, rtol=tolerance, atol=tolerance)
