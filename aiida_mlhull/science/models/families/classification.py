"""Classes instead of numbers, by any model that is a network: metal or not, for one.

Source: Xie and Grossman, Phys. Rev. Lett. 120 (2018) 145301, where CGCNN tells metals from semiconductors: a column
a class, softmax, cross-entropy.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from torch import nn

from aiida_mlhull.science.errors import InputError, WeightsError, listed
from aiida_mlhull.science.models.base import Checkpoints, Inheritance, ReportLine, silent
from aiida_mlhull.science.models.families.networks import NetworkModel
from aiida_mlhull.science.models.training.devices import reproducible, torch_device
from aiida_mlhull.science.models.training.loop import NO_SHARES, Trained, predict_network, train_network
from aiida_mlhull.science.models.training.transfer import begin
from aiida_mlhull.science.types import MemberWeights
from aiida_mlhull.science.types.crystals import Floats, Integers

OBJECTIVE: Final = "cross_entropy"


def fit_classes(
    model: NetworkModel,
    inputs: Any,
    classes: Integers,
    *,
    train: Integers,
    validation: Integers,
    seed: int,
    count: int | None = None,
    start: Inheritance | None = None,
    device: str = "cpu",
    report: ReportLine = silent,
    checkpoints: Checkpoints | None = None,
) -> MemberWeights:
    """Fit one member to classes; as :meth:`~aiida_mlhull.science.models.base.Model.fit` does to numbers.

    Args:
        model: any network model.
        inputs: from its ``represent``, n rows.
        classes: (n,) numbers from 0 on.
        train: row numbers to learn from.
        validation: row numbers for early stopping, by the mean probability of the other classes.
        seed: the only source of chance.
        count: number of classes; one more than the largest number if None.
        start: the member that this one begins with; None draws weights from the seed.
        device: ``"cpu"`` or a torch device.
        report: called with progress.
        checkpoints: see :meth:`~aiida_mlhull.science.models.base.GradualModel.fit_from`.

    Returns:
        Weights with the score ``validation_miss``, one minus the mean probability of the true class.

    Raises:
        InputError: if the training rows don't hold every class from 0 to the largest, and at least two.
        FitError: if training diverges.
        WeightsError: if the start or the checkpoint is of another architecture.
        DeviceError: if the device isn't there.
    """
    columns = _counted(np.asarray(classes), train, count)
    place = torch_device(device)
    with reproducible(place):
        torch.default_generator.manual_seed(seed)
        network = model.network(outputs=columns)
        shares = NO_SHARES if start is None else begin(network, start, head=model.HEAD)
        network = network.to(place)
        trained = train_network(
            network,
            model.batches(inputs, device=place),
            np.asarray(classes, dtype=np.float64),
            train=train,
            validation=validation,
            loss=OBJECTIVE,
            settings=model.settings,
            seed=seed,
            report=report,
            shares=shares,
            checkpoints=checkpoints,
        )
    return _member(network, trained, columns=columns, seed=seed)


def _member(network: nn.Module, trained: Trained, *, columns: int, seed: int) -> MemberWeights:
    """Weights with what they were fitted to."""
    scores = {
        "validation_miss": trained.validation_mae,
        "epochs": len(trained.history),
        "seconds": trained.seconds,
        "history": trained.history,
    }
    arrays = {name: value.cpu().numpy() for name, value in network.state_dict().items()}
    return MemberWeights(arrays, {"loss": OBJECTIVE, "classes": columns}, scores, seed)


def class_probabilities(model: NetworkModel, weights: MemberWeights, inputs: Any, *, device: str = "cpu") -> Floats:
    """(n, K) probabilities of the classes, rows summing to one.

    Raises:
        WeightsError: if the weights are of another model or other settings, or weren't fitted to classes.
        DeviceError: if the device isn't there.
    """
    if weights.meta.get("loss") != OBJECTIVE:
        raise WeightsError("these weights were not fitted to classes")
    place = torch_device(device)
    with reproducible(place):
        network = model.filled(weights, outputs=weights.meta["classes"]).to(place)
        rows, precision = np.arange(len(inputs)), model.settings.precision
        columns = predict_network(network, model.batches(inputs, device=place), rows, precision=precision)
    return torch.softmax(torch.as_tensor(columns), dim=1).numpy()


def _counted(classes: Integers, train: Integers, count: int | None) -> int:
    count = int(classes.max()) + 1 if count is None else count
    missing = sorted(set(range(max(count, 2))) - set(classes[train].tolist()))
    if missing or classes.min() < 0 or classes.max() >= count:
        raise InputError(
            f"classes must be 0, 1, ... and all among the training rows; these are missing: {listed(missing)}"
        )
    return count
