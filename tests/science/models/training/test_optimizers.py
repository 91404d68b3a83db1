"""Schedules, optimizers, and layers that learn slower."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.models.training.optimizers import (
    Descent,
    TrainingSettings,
    learning_rate,
    shares_of,
    train_mode,
)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.ModuleDict(
        {
            "body": nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)),
            "body2": nn.Linear(4, 4),
            "output": nn.Linear(4, 1),
        }
    )


def test_cyclic_is_the_triangular_policy_of_torch():
    settings = TrainingSettings(schedule="cyclic", learning_rate=0.08, lowest_rate=0.25, cycle_epochs=4)
    steps = 6
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.CyclicLR(optimizer, 0.02, 0.08, step_size_up=2 * steps, cycle_momentum=False)
    for step in range(10 * steps):
        ours = learning_rate(settings, epoch=step // steps, share=step % steps / steps)
        assert ours == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_cosine_falls_from_the_largest_rate_to_zero():
    settings = TrainingSettings(learning_rate=0.4, max_epochs=10)
    rates = [learning_rate(settings, epoch=epoch, share=0.9) for epoch in range(11)]
    assert rates[0] == 0.4
    assert rates[5] == pytest.approx(0.2)
    assert rates[10] == pytest.approx(0.0)


def test_patience_must_outlast_a_cycle():
    with pytest.raises(ValidationError, match="within a cycle"):
        TrainingSettings(schedule="cyclic", cycle_epochs=20, patience=10)


def test_momentum_is_that_of_sgd(network):
    assert Descent(network, TrainingSettings(optimizer="sgd", momentum=0.7), shares={}).optimizer.defaults == {
        **torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=5e-3, momentum=0.7, weight_decay=1e-3, fused=True).defaults
    }


def test_the_longest_name_counts(network):
    shares = shares_of(network, {"body": 0.5, "body.0": 0.0, "output.bias": 2.0}, factor=0.1)
    assert shares == pytest.approx(
        {
            "body.0.weight": 0.0, "body.0.bias": 0.0, "body.1.weight": 0.05, "body.1.bias": 0.05,
            "body2.weight": 0.1, "body2.bias": 0.1, "output.weight": 0.1, "output.bias": 0.2,
        }
    )  # fmt: skip


def test_every_layer_steps_by_its_share(network):
    before = {name: value.clone() for name, value in network.named_parameters()}
    settings = TrainingSettings(optimizer="sgd", momentum=0.0, learning_rate=0.5, weight_decay=0.0, schedule="constant")
    descent = Descent(network, settings, shares={"body2.weight": 0.1, "output.bias": 0.0})
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    descent.set_rate(epoch=0, share=0.0)
    descent.step()
    for name, value in network.named_parameters():
        expected = {"body2.weight": 0.05, "output.bias": 0.0}.get(name, 0.5)
        torch.testing.assert_close(before[name] - value, torch.full_like(value, expected))


def test_frozen_layers_keep_their_statistics(network):
    Descent(network, TrainingSettings(), shares={name: 0.0 for name, _ in network["body"].named_parameters("body")})
    train_mode(network)
    assert not network["body"].training
    assert not network["body"][1].training
    assert network["output"].training


def test_wrong_groups_are_refused(network):
    with pytest.raises(SettingsError, match="no layer is called head; this network has body, body2, output"):
        shares_of(network, {"head": 0.5})
    with pytest.raises(SettingsError, match="nothing left to learn"):
        shares_of(network, {"body": 0.0, "body2": 0.0, "output": 0.0})
