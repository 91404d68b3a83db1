"""Losses on standardized targets; a network's columns are the mean and, where it has one, the log of the spread."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, softmax

from aiida_mlhull.science.models.base import Loss
from aiida_mlhull.science.types.crystals import Floats

Objective = Loss | Literal["cross_entropy"]
"""What training makes small: a loss of numbers, or that of classes, which are told as 0, 1, ..."""

OUTPUTS: Final[dict[Loss, int]] = {"l1": 1, "l2": 1, "robust_l1": 2, "robust_l2": 2}
"""Columns that a network has to give for each loss."""

_LARGEST_LOG_SPREAD: Final = 10.0


def loss_of(outputs: Tensor, targets: Tensor, *, loss: Objective) -> Tensor:
    """The mean loss of (n, 1 or 2) ``outputs``, or of (n, K) for K classes, for (n,) ``targets``.

    With m the predicted mean, s the predicted standard deviation and y the target, constants left out:

    - ``l1``: |y - m|.
    - ``l2``: (y - m)².
    - ``robust_l1``: the negative log-likelihood of a Laplace distribution, sqrt(2) |y - m| / s + ln s
      (Goodall and Lee, Nat. Commun. 11 (2020) 6280, Eq. 9).
    - ``robust_l2``: that of a normal distribution, (y - m)² / (2 s²) + ln s (Nix and Weigend, 1994).
    - ``cross_entropy``: -ln p_y, with p the softmax of the K columns.
    """
    if loss == "cross_entropy":
        return cross_entropy(outputs, targets.long())
    errors = outputs[:, 0] - targets
    if loss == "l1":
        return errors.abs().mean()
    if loss == "l2":
        return errors.square().mean()
    log_spread = outputs[:, 1].clamp(-_LARGEST_LOG_SPREAD, _LARGEST_LOG_SPREAD)
    if loss == "robust_l1":
        return (2**0.5 * errors.abs() * torch.exp(-log_spread) + log_spread).mean()
    return (0.5 * errors.square() * torch.exp(-2.0 * log_spread) + log_spread).mean()


def errors_of(outputs: Floats, targets: Floats, *, loss: Objective) -> Floats:
    """(n,) by how much ``outputs`` miss ``targets``: mean minus target, or one minus the true class' probability."""
    if loss != "cross_entropy":
        return np.asarray(outputs[:, 0] - targets)
    probabilities = softmax(torch.as_tensor(outputs), dim=1).numpy()
    return np.asarray(1.0 - probabilities[np.arange(len(targets)), targets.astype(np.int64)])


def spreads_of(outputs: Tensor) -> Tensor | None:
    """(n,) predicted standard deviations, or None where the loss has none."""
    if outputs.shape[1] == OUTPUTS["l1"]:
        return None
    return torch.exp(outputs[:, 1].clamp(-_LARGEST_LOG_SPREAD, _LARGEST_LOG_SPREAD))
