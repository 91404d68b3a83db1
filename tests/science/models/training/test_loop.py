"""Training: the best epoch is kept, patience ends it, losses are likelihoods."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Laplace, Normal

from aiida_mlhull.science.errors import DeviceError, WeightsError
from aiida_mlhull.science.models.base import silent
from aiida_mlhull.science.models.training.devices import reproducible, torch_device
from aiida_mlhull.science.models.training.loop import TrainingSettings, predict_network, train_network
from aiida_mlhull.science.models.training.losses import loss_of, spreads_of
from aiida_mlhull.science.types import MemberWeights
from aiida_mlhull.science.wire import decode_member, encode_member


class Table:
    """Rows of numbers as inputs."""

    def __init__(self, rows):
        self.rows = torch.as_tensor(rows, dtype=torch.float32)

    def batch(self, indices):
        return self.rows[torch.as_tensor(indices)]


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(120, 3))
    return Table(rows), rows @ np.asarray([1.0, -2.0, 0.5]) + 0.05 * rng.normal(size=120)


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Linear(3, 1)


def train(net, problem, **settings):
    inputs, targets = problem
    lines = []
    trained = train_network(
        net,
        inputs,
        targets,
        train=np.arange(90),
        validation=np.arange(90, 120),
        loss="l1",
        settings=TrainingSettings(**settings),
        seed=3,
        report=lines.append,
    )
    return trained, lines


def test_it_learns_and_says_so(problem):
    net = network()
    trained, lines = train(net, problem, learning_rate=0.05, max_epochs=60, patience=60)
    assert trained.validation_mae < 0.1
    assert len(trained.history) == 60
    assert 1 <= len(lines) <= 12
    np.testing.assert_allclose(net.weight.detach().numpy(), [[1.0, -2.0, 0.5]], atol=0.1)


def test_the_best_epoch_is_restored(problem):
    inputs, targets = problem
    net = network()
    trained, _ = train(net, problem, learning_rate=2.0, schedule="constant", max_epochs=30, patience=30)
    errors = predict_network(net, inputs, np.arange(90, 120))[:, 0] - targets[90:]
    assert np.abs(errors).mean() == pytest.approx(min(trained.history), rel=1e-6)
    assert trained.validation_mae == min(trained.history)
    assert trained.validation_mse == pytest.approx(np.square(errors).mean(), rel=1e-6)
    assert trained.history[-1] > min(trained.history)


def test_patience_ends_it(problem):
    trained, _ = train(network(), problem, learning_rate=2.0, schedule="constant", max_epochs=200, patience=4)
    assert len(trained.history) == int(np.argmin(trained.history)) + 1 + 4


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_the_same_seed_gives_the_same_bits(problem, optimizer):
    first, second = network(), network()
    for net in (first, second):
        train(net, problem, optimizer=optimizer, max_epochs=5)
    assert first.weight.detach().numpy().tobytes() == second.weight.detach().numpy().tobytes()


class Kept:
    """Checkpoints as files, which forget everything after ``limit`` of them by raising, as a kill would."""

    class Killed(Exception):  # noqa: N818  (no error of the package)
        pass

    def __init__(self, limit=10**9):
        self.content, self.saved, self.limit = None, 0, limit

    def load(self) -> MemberWeights | None:
        return None if self.content is None else decode_member(self.content)

    def save(self, state):
        self.content = encode_member(state)
        self.saved += 1
        if self.saved == self.limit:
            raise Kept.Killed


class Noisy(nn.Module):
    """A network with chance of its own and running statistics."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, 1)

    def forward(self, rows):
        return self.last(nn.functional.dropout(self.norm(self.first(rows)), 0.2, self.training))


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "cyclic"])
def test_interrupted_and_resumed_is_uninterrupted(problem, optimizer, schedule):
    settings = TrainingSettings(
        optimizer=optimizer, schedule=schedule, learning_rate=0.02, max_epochs=14, patience=14, batch_size=16
    )

    def run(checkpoints=None):
        torch.manual_seed(5)
        net = Noisy()
        inputs, targets = problem
        rows = {"train": np.arange(90), "validation": np.arange(90, 120)}
        trained = train_network(
            net, inputs, targets, **rows, loss="l1", settings=settings, seed=3, report=silent, checkpoints=checkpoints
        )
        return net, trained

    kept = Kept(limit=6)
    with pytest.raises(Kept.Killed):
        run(kept)
    kept.limit = 10
    with pytest.raises(Kept.Killed):
        run(kept)
    resumed, again = run(kept)
    assert kept.saved == 14
    straight, once = run()
    assert again.history == once.history
    assert (again.validation_mae, again.validation_mse) == (once.validation_mae, once.validation_mse)
    for name, value in straight.state_dict().items():
        assert value.numpy().tobytes() == resumed.state_dict()[name].numpy().tobytes(), name


def test_a_fit_that_was_out_of_patience_stays_so(problem):
    kept = Kept()
    settings = {"learning_rate": 2.0, "schedule": "constant", "max_epochs": 200, "patience": 4}
    inputs, targets = problem
    rows = {"train": np.arange(90), "validation": np.arange(90, 120)}
    nets = [network(), network()]
    for net in nets:
        torch.manual_seed(0)
        train_network(
            net, inputs, targets, **rows, loss="l1", settings=TrainingSettings(**settings), seed=3, report=silent,
            checkpoints=kept,
        )  # fmt: skip
        saved = kept.saved
        kept.saved = 0
    assert saved == 0
    assert nets[0].weight.detach().numpy().tobytes() == nets[1].weight.detach().numpy().tobytes()


def test_a_checkpoint_of_another_network_is_refused(problem):
    kept = Kept()
    rows = {"train": np.arange(90), "validation": np.arange(90, 120)}
    inputs, targets = problem
    settings = TrainingSettings(max_epochs=2)
    train_network(network(), inputs, targets, **rows, loss="l1", settings=settings, seed=3, report=silent,
                  checkpoints=kept)  # fmt: skip
    with pytest.raises(WeightsError, match="not one of this fit"):
        train_network(Noisy(), inputs, targets, **rows, loss="l1", settings=settings, seed=3, report=silent,
                      checkpoints=kept)  # fmt: skip


def test_learning_rate_falls_to_zero(problem):
    before, after = network(), network()
    train(before, problem, learning_rate=1e-4, max_epochs=1)
    train(after, problem, learning_rate=1e-4, schedule="constant", max_epochs=1)
    torch.testing.assert_close(before.weight, after.weight)  # the first epoch has the largest rate in both


def test_robust_loss_is_a_laplace_likelihood():
    means, logs, targets = torch.randn(3, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours = loss_of(torch.stack([means, logs], dim=1), targets, loss="robust_l1")
    # Laplace with standard deviation s has scale s / sqrt(2).
    likelihood = Laplace(means, torch.exp(logs) / math.sqrt(2)).log_prob(targets)
    assert float(ours) == pytest.approx(float(-likelihood.mean()) - math.log(math.sqrt(2)))


def test_robust_l2_is_a_normal_likelihood():
    means, logs, targets = torch.randn(3, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours = loss_of(torch.stack([means, logs], dim=1), targets, loss="robust_l2")
    likelihood = Normal(means, torch.exp(logs)).log_prob(targets)
    assert float(ours) == pytest.approx(float(-likelihood.mean()) - math.log(math.sqrt(2 * math.pi)))


def test_l2_is_the_mean_squared_error():
    outputs = torch.tensor([[1.0], [2.0], [4.0]])
    assert float(loss_of(outputs, torch.tensor([1.5, 2.0, 2.0]), loss="l2")) == pytest.approx(4.25 / 3)
    assert spreads_of(outputs) is None


def test_l1_is_the_mean_absolute_error():
    outputs = torch.tensor([[1.0], [2.0], [4.0]])
    assert float(loss_of(outputs, torch.tensor([1.5, 2.0, 2.0]), loss="l1")) == pytest.approx(2.5 / 3)
    assert spreads_of(outputs) is None


def test_spreads_are_positive_and_finite_whatever_comes_out():
    spreads = spreads_of(torch.tensor([[0.0, -1e6], [0.0, 0.0], [0.0, 1e6]]))
    assert (spreads > 0).all()
    assert torch.isfinite(spreads).all()


def test_devices():
    assert torch_device("cpu").type == "cpu"
    assert torch_device("auto").type in {"cpu", "cuda"}
    with pytest.raises(DeviceError, match="meta"):
        torch_device("meta")


def test_reproducible_puts_back_what_it_changed():
    before = torch.get_num_threads()
    with reproducible(torch.device("cpu")):
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == before
    assert not torch.are_deterministic_algorithms_enabled()


def test_silence():
    assert silent("anything") is None
