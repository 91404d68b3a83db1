"""Training a network by gradients, with early stopping on the validation MAE."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
import torch
from torch import nn

from aiida_mlhull.science.errors import FitError
from aiida_mlhull.science.models.base import Checkpoints, ReportLine
from aiida_mlhull.science.models.layers.precision import Precision, mixed
from aiida_mlhull.science.models.training.checkpoints import pack, unpack
from aiida_mlhull.science.models.training.losses import Objective, errors_of, loss_of
from aiida_mlhull.science.models.training.optimizers import Descent, TrainingSettings, train_mode
from aiida_mlhull.science.types import MemberWeights
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import slices

__all__ = ["Batches", "Trained", "TrainingSettings", "predict_network", "train_network"]

NO_SHARES: Final[Mapping[str, float]] = MappingProxyType({})
"""Every parameter learns at the full rate."""

AT_ONCE: Final = 256
"""Rows that are predicted together."""


class Batches(Protocol):
    """Inputs of n rows that can be cut into batches."""

    def batch(self, indices: Integers) -> Any:
        """What the network takes for these rows."""
        ...


@dataclass(frozen=True, eq=False)
class Trained:
    """What training gave.

    Attributes:
        validation_mae: at the epoch whose weights are kept, of standardized targets; without validation rows that of
            the training rows while they were learned from.
        validation_mse: likewise.
        history: the same MAE of every epoch.
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
    loss: Objective,
    settings: TrainingSettings,
    seed: int,
    report: ReportLine,
    shares: Mapping[str, float] = NO_SHARES,
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Train in place; the network ends with the weights of its best epoch, or of the last one, as the settings say.

    Args:
        network: takes what ``inputs.batch`` gives, returns (n, 1 or 2).
        inputs: of all rows.
        targets: (n,) standardized.
        train: rows to learn from.
        validation: rows to stop by; none where the last epoch is kept anyway.
        loss: see :mod:`~aiida_mlhull.science.models.training.losses`.
        settings: see :class:`~aiida_mlhull.science.models.training.optimizers.TrainingSettings`.
        seed: draws the order of rows.
        report: called about every tenth of the epochs.
        shares: a parameter's name to its share of the learning rate; 0 freezes it, 1 where it is missing.
        checkpoints: where the state is kept after every epoch, and taken from at the start.

    Raises:
        FitError: if the loss stops being finite.
        WeightsError: if the checkpoint is of another network.
    """
    run = _Run(network, Descent(network, settings, shares=shares), np.random.default_rng(seed))
    run.resume(checkpoints)
    last = settings.keep == "last"
    while (epoch := len(run.best.history)) < settings.max_epochs and (last or run.best.epochs_ago < settings.patience):
        learned = _learn(run, inputs, targets, train=train, loss=loss, settings=settings, judged=not len(validation))
        if len(validation):
            predicted = predict_network(network, inputs, validation, precision=settings.precision)
            learned = [errors_of(predicted, targets[validation], loss=loss)]
        run.best.look(network, np.concatenate(learned), last=last)
        if checkpoints is not None:
            checkpoints.save(run.state())
        if epoch % max(1, settings.max_epochs // 10) == 0:
            judged = "validation" if len(validation) else "training"
            report(f"epoch {epoch + 1} of at most {settings.max_epochs}: {judged} MAE {run.best.history[-1]:.4f}")
    network.load_state_dict(run.best.state)
    return Trained(run.best.mae, run.best.mse, run.best.history, run.seconds)


def _learn(
    run: _Run,
    inputs: Batches,
    targets: Floats,
    *,
    train: Integers,
    loss: Objective,
    settings: TrainingSettings,
    judged: bool,
) -> list[Floats]:
    """One epoch; the errors of its rows while they were learned from, if these are what it is ``judged`` by."""
    device = next(run.network.parameters()).device
    goal = torch.as_tensor(targets, dtype=torch.float32, device=device)
    train_mode(run.network)
    errors: list[Floats] = []
    batches = _shuffled(train, settings.batch_size, run.rng)
    for step, rows in enumerate(batches):
        run.descent.set_rate(epoch=len(run.best.history), share=step / len(batches))
        run.descent.optimizer.zero_grad(set_to_none=True)
        with mixed(settings.precision, device):
            outputs = run.network(inputs.batch(rows))
        objective = loss_of(outputs.float(), goal[torch.as_tensor(rows, device=device)], loss=loss)
        objective.backward()  # type: ignore[no-untyped-call]
        run.descent.step()
        if judged:
            errors.append(errors_of(outputs.detach().double().cpu().numpy(), targets[rows], loss=loss))
    return errors


class _Best:
    """The best epoch so far."""

    def __init__(self) -> None:
        self.history: list[float] = []
        self.mae = self.mse = math.inf
        self.state: dict[str, Any] = {}

    def look(self, network: nn.Module, errors: Floats, *, last: bool) -> None:
        """Note an epoch by its errors; ``last`` keeps it whatever they are.

        Raises:
            FitError: if they are not finite.
        """
        mae = float(np.abs(errors).mean())
        if not math.isfinite(mae):
            raise FitError(f"training diverged in epoch {len(self.history) + 1}; try a smaller learning rate")
        self.history.append(mae)
        if last or mae < self.mae:
            self.mae, self.mse = mae, float(np.square(errors).mean())
            self.state = copy.deepcopy(network.state_dict())

    @property
    def epochs_ago(self) -> int:
        """How many epochs have passed since."""
        return len(self.history) - 1 - self.history.index(self.mae) if self.history else 0


class _Run:
    """A training that is under way: all that has to be kept for going on later with the same bits."""

    def __init__(self, network: nn.Module, descent: Descent, rng: np.random.Generator) -> None:
        self.network, self.descent, self.rng = network, descent, rng
        self.best = _Best()
        self._started, self._before = time.perf_counter(), 0.0

    @property
    def seconds(self) -> float:
        """Time spent, that of earlier tries included."""
        return self._before + time.perf_counter() - self._started

    def state(self) -> MemberWeights:
        """A checkpoint."""
        facts = {
            "rows_chance": self.rng.bit_generator.state,
            "history": list(self.best.history),
            "mae": self.best.mae,
            "mse": self.best.mse,
            "seconds": self.seconds,
        }
        return pack(self.network, self.descent.optimizer, self.best.state, facts)

    def resume(self, checkpoints: Checkpoints | None) -> None:
        """Go on where an earlier try ended, if there was one.

        Raises:
            WeightsError: if its checkpoint is of another network.
        """
        state = None if checkpoints is None else checkpoints.load()
        if state is None:
            return
        self.best.state = unpack(state, self.network, self.descent.optimizer)
        self.rng.bit_generator.state = state.meta["rows_chance"]
        self.best.history = list(state.meta["history"])
        self.best.mae, self.best.mse = state.meta["mae"], state.meta["mse"]
        self._before = state.meta["seconds"]


def predict_network(
    network: nn.Module, inputs: Batches, rows: Integers, *, precision: Precision = "float32", at_once: int = AT_ONCE
) -> Floats:
    """(len(rows), columns) outputs of the network in evaluation mode, ``at_once`` rows per batch."""
    network.eval()
    with torch.inference_mode(), mixed(precision, next(network.parameters()).device):
        parts = [network(inputs.batch(rows[part])) for part in slices(len(rows), size=at_once)]
    return torch.cat(parts).double().cpu().numpy() if parts else np.empty((0, 1))


def _shuffled(rows: Integers, batch_size: int, rng: np.random.Generator) -> list[Integers]:
    """Batches of nearly equal size: a last one of a single row would upset the batch normalization."""
    return np.array_split(rng.permutation(rows), math.ceil(len(rows) / batch_size))
