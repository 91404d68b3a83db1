"""Training a network by gradients, with early stopping on the validation MAE."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from pydantic import Field
from torch import nn

from aiida_mlhull.science.errors import FitError
from aiida_mlhull.science.models.base import Loss, ModelSettings, Report
from aiida_mlhull.science.models.parts.losses import loss_of
from aiida_mlhull.science.types.crystals import Floats, Integers

_PREDICTED_AT_ONCE = 256


class TrainingSettings(ModelSettings):
    """How a network is trained.

    Attributes:
        optimizer: ``adam`` or ``adamw``.
        learning_rate: the largest one.
        schedule: ``constant``, or ``cosine``: falling from the largest to zero at ``max_epochs``.
        weight_decay: of the optimizer.
        batch_size: crystals a step; an epoch is cut into equal batches of at most this size.
        max_epochs: upper bound of passes over the training rows.
        patience: stop after this many epochs without a better validation MAE.
    """

    optimizer: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = Field(default=5e-3, gt=0)
    schedule: Literal["constant", "cosine"] = "cosine"
    weight_decay: float = Field(default=1e-3, ge=0)
    batch_size: int = Field(default=64, ge=1)
    max_epochs: int = Field(default=200, ge=1)
    patience: int = Field(default=60, ge=1)


class Batches(Protocol):
    """Inputs of n rows that can be cut into batches."""

    def batch(self, indices: Integers) -> Any:
        """What the network takes for these rows."""
        ...


@dataclass(frozen=True, eq=False)
class Trained:
    """What training gave.

    Attributes:
        validation_mae: best one, of standardized targets.
        validation_mse: at the same epoch.
        history: validation MAE of every epoch.
        seconds: wall time.
    """

    validation_mae: float
    validation_mse: float
    history: list[float]
    seconds: float


def train_network(
    network: nn.Module,
    inputs: Batches,
    targets: Floats,
    *,
    train: Integers,
    validation: Integers,
    loss: Loss,
    settings: TrainingSettings,
    seed: int,
    report: Report,
) -> Trained:
    """Train in place; the network ends with the weights of its best epoch.

    Args:
        network: takes what ``inputs.batch`` gives, returns (n, 1 or 2).
        inputs: of all rows.
        targets: (n,) standardized.
        train: rows to learn from.
        validation: rows to stop by.
        loss: see :mod:`~aiida_mlhull.science.models.parts.losses`.
        settings: see :class:`TrainingSettings`.
        seed: draws the order of rows.
        report: called about every tenth of the epochs.

    Raises:
        FitError: if the loss stops being finite.
    """
    started = time.perf_counter()
    optimizer = _optimizer(network, settings)
    device = next(network.parameters()).device
    goal = torch.as_tensor(targets, dtype=torch.float32, device=device)
    rng = np.random.default_rng(seed)
    best = _Best()
    for epoch in range(settings.max_epochs):
        for group in optimizer.param_groups:
            group["lr"] = _learning_rate(epoch, settings)
        network.train()
        for rows in _shuffled(train, settings.batch_size, rng):
            optimizer.zero_grad(set_to_none=True)
            objective = loss_of(network(inputs.batch(rows)), goal[torch.as_tensor(rows, device=device)], loss=loss)
            objective.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        best.look(network, predict_network(network, inputs, validation)[:, 0] - targets[validation])
        if epoch % max(1, settings.max_epochs // 10) == 0:
            report(f"epoch {epoch + 1} of at most {settings.max_epochs}: validation MAE {best.history[-1]:.4f}")
        if best.epochs_ago >= settings.patience:
            break
    network.load_state_dict(best.state)
    return Trained(best.mae, best.mse, best.history, time.perf_counter() - started)


class _Best:
    """The best epoch so far."""

    def __init__(self) -> None:
        self.history: list[float] = []
        self.mae = self.mse = math.inf
        self.state: dict[str, Any] = {}

    def look(self, network: nn.Module, errors: Floats) -> None:
        """Note an epoch by its validation errors.

        Raises:
            FitError: if they are not finite.
        """
        mae = float(np.abs(errors).mean())
        if not math.isfinite(mae):
            raise FitError(f"training diverged in epoch {len(self.history) + 1}; try a smaller learning rate")
        self.history.append(mae)
        if mae < self.mae:
            self.mae, self.mse = mae, float(np.square(errors).mean())
            self.state = copy.deepcopy(network.state_dict())

    @property
    def epochs_ago(self) -> int:
        """How many epochs have passed since."""
        return len(self.history) - 1 - self.history.index(self.mae)


def predict_network(network: nn.Module, inputs: Batches, rows: Integers) -> Floats:
    """(len(rows), 1 or 2) outputs of the network in evaluation mode."""
    network.eval()
    starts = range(0, len(rows), _PREDICTED_AT_ONCE)
    with torch.inference_mode():
        parts = [network(inputs.batch(rows[start : start + _PREDICTED_AT_ONCE])) for start in starts]
    return torch.cat(parts).double().cpu().numpy() if parts else np.empty((0, 1))


def _shuffled(rows: Integers, batch_size: int, rng: np.random.Generator) -> Iterator[Integers]:
    """Batches of nearly equal size: a last one of a single row would upset the batch normalization."""
    yield from np.array_split(rng.permutation(rows), math.ceil(len(rows) / batch_size))


def _learning_rate(epoch: int, settings: TrainingSettings) -> float:
    if settings.schedule == "constant":
        return settings.learning_rate
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / settings.max_epochs))


def _optimizer(network: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True)
