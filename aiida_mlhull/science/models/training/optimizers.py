"""How a network is trained: optimizers, schedules of the learning rate, and layers that learn slower."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import nn

from aiida_mlhull.science.errors import SettingsError, listed
from aiida_mlhull.science.models.base import ModelSettings
from aiida_mlhull.science.models.layers.precision import Precision

Schedule = Literal["constant", "cosine", "cyclic", "steps"]


class TrainingSettings(ModelSettings):
    """How a network is trained.

    Attributes:
        optimizer: ``adam``, ``adamw`` (Loshchilov and Hutter 2019), or ``sgd`` with ``momentum``.
        learning_rate: the largest one.
        schedule: ``constant``; ``cosine``: falling from the largest to zero at ``max_epochs``; ``cyclic``:
            rising from ``lowest_rate`` to the largest and falling back, linearly in steps, every
            ``cycle_epochs`` (the triangular policy of Smith, WACV 2017); ``steps``: ``step_factor`` times as large after
            each of ``step_epochs``.
        cycle_epochs: epochs from one low of the cyclic schedule to the next.
        lowest_rate: that low, as a share of the largest rate.
        step_epochs: epochs after which the rate falls, for the schedule ``steps``.
        step_factor: by how much.
        momentum: of ``sgd``; the others ignore it.
        weight_decay: of the optimizer.
        batch_size: crystals per step; an epoch is cut into equal batches of at most this size.
        max_epochs: upper bound of passes over the training rows.
        patience: stop after this many epochs without a better validation MAE.
        keep: weights of the ``best`` epoch by the validation MAE, or of the ``last`` one, ``max_epochs``, as papers report
            that don't stop early; patience then means nothing.
        precision: ``float32``, or ``bf16``: see :mod:`~aiida_mlhull.science.models.layers.precision`. Predictions are
            made as the fit was.
    """

    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    learning_rate: float = Field(default=5e-3, gt=0)
    schedule: Schedule = "cosine"
    cycle_epochs: int = Field(default=10, ge=2)
    lowest_rate: float = Field(default=0.1, ge=0, lt=1)
    step_epochs: tuple[int, ...] = ()
    step_factor: float = Field(default=0.1, gt=0, lt=1)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=1e-3, ge=0)
    batch_size: int = Field(default=64, ge=1)
    max_epochs: int = Field(default=200, ge=1)
    patience: int = Field(default=60, ge=1)
    keep: Literal["best", "last"] = "best"
    precision: Precision = "float32"

    @model_validator(mode="after")
    def _check_cycle(self) -> TrainingSettings:
        if (self.schedule == "steps") != bool(self.step_epochs):
            raise ValueError(
                "the schedule 'steps' and step_epochs belong together: say after which epochs the rate falls"
            )
        if self.schedule == "cyclic" and self.keep == "best" and self.patience < self.cycle_epochs:
            raise ValueError(
                f"patience of {self.patience} epochs may end a fit within a cycle of {self.cycle_epochs}, where the "
                f"rate is high and nothing gets better; give at least as much"
            )
        return self


def learning_rate(settings: TrainingSettings, *, epoch: int, share: float) -> float:
    """The learning rate in ``epoch`` (from 0), of which ``share`` has passed.

    A function of both, where torch's schedulers keep a count of steps that a checkpoint would have to hold; the tests hold
    it against theirs.
    """
    if settings.schedule == "constant":
        return settings.learning_rate
    if settings.schedule == "steps":
        passed = sum(epoch >= one for one in settings.step_epochs)
        return float(settings.learning_rate * settings.step_factor**passed)
    if settings.schedule == "cosine":
        return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / settings.max_epochs))
    position = (epoch + share) / settings.cycle_epochs % 1.0
    height = 1.0 - abs(2.0 * position - 1.0)
    return settings.learning_rate * (settings.lowest_rate + (1.0 - settings.lowest_rate) * height)


class Descent:
    """An optimizer over a network's parameters, each with its own share of the learning rate.

    Args:
        network: what learns; parameters whose share is zero are frozen in it.
        settings: optimizer and schedule.
        shares: name to share; 1 where a name is missing.

    Attributes:
        optimizer: torch's.
    """

    def __init__(self, network: nn.Module, settings: TrainingSettings, *, shares: Mapping[str, float]) -> None:
        self.settings = settings
        groups: dict[float, list[nn.Parameter]] = {}
        for name, parameter in network.named_parameters():
            share = shares.get(name, 1.0)
            parameter.requires_grad_(share > 0)
            if share > 0:
                groups.setdefault(share, []).append(parameter)
        self.shares = list(groups)
        self.optimizer = _optimizer([{"params": members} for members in groups.values()], settings)

    def set_rate(self, *, epoch: int, share: float) -> None:
        """Follow the schedule, see :func:`learning_rate`."""
        rate = learning_rate(self.settings, epoch=epoch, share=share)
        for group, own in zip(self.optimizer.param_groups, self.shares, strict=True):
            group["lr"] = rate * own

    def step(self) -> None:
        """One step along the gradients that are there."""
        self.optimizer.step()


def shares_of(network: nn.Module, groups: Mapping[str, float], *, factor: float = 1.0) -> dict[str, float]:
    """Every parameter's share of the learning rate.

    Args:
        network: whose parameters.
        groups: first part of names to share; the longest that fits counts, 1 where none does.
        factor: what all are multiplied by.

    Raises:
        SettingsError: if a group fits no parameter, or nothing is left to learn.
    """
    names = [name for name, _ in network.named_parameters()]
    empty = [group for group in groups if not any(_within(name, group) for name in names)]
    if empty:
        layers = dict.fromkeys(name.partition(".")[0] for name in names)
        raise SettingsError(f"no layer is called {listed(empty)}; this network has {listed(layers, limit=20)}")
    shares = {name: factor * _share(name, groups) for name in names}
    if not any(shares.values()):
        raise SettingsError("every layer is frozen: there is nothing left to learn")
    return shares


def train_mode(network: nn.Module) -> None:
    """As ``network.train()``, but layers that are frozen whole keep their statistics and drop nothing."""
    network.train()
    for module in network.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def _share(name: str, groups: Mapping[str, float]) -> float:
    fitting = [group for group in groups if _within(name, group)]
    return groups[max(fitting, key=len)] if fitting else 1.0


def _within(name: str, group: str) -> bool:
    return name == group or name.startswith(f"{group}.")


def _optimizer(groups: list[dict[str, list[nn.Parameter]]], settings: TrainingSettings) -> torch.optim.Optimizer:
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=settings.momentum, weight_decay=decay, fused=True)
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=rate, weight_decay=decay, fused=True)
