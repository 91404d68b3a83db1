"""Losses on standardized targets; a network's columns are the mean and, where it has one, the log of the spread."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from aiida_mlhull.science.models.base import Loss

OUTPUTS: Final[dict[Loss, int]] = {"l1": 1, "l2": 1, "robust_l1": 2, "robust_l2": 2}
"""Columns that a network has to give for each loss."""

_LARGEST_LOG_SPREAD: Final = 10.0


def loss_of(outputs: Tensor, targets: Tensor, *, loss: Loss) -> Tensor:
    """The mean loss of (n, 1 or 2) ``outputs`` for (n,) ``targets``.

    With m the predicted mean, s the predicted standard deviation and y the target, constants left out:

    - ``l1``: |y - m|.
    - ``l2``: (y - m)².
    - ``robust_l1``: the negative log-likelihood of a Laplace distribution, sqrt(2) |y - m| / s + ln s
      (Goodall and Lee, Nat. Commun. 11 (2020) 6280, Eq. 9).
    - ``robust_l2``: that of a normal distribution, (y - m)² / (2 s²) + ln s (Nix and Weigend, 1994).
    """
    errors = outputs[:, 0] - targets
    if loss == "l1":
        return errors.abs().mean()
    if loss == "l2":
        return errors.square().mean()
    log_spread = outputs[:, 1].clamp(-_LARGEST_LOG_SPREAD, _LARGEST_LOG_SPREAD)
    if loss == "robust_l1":
        return (2**0.5 * errors.abs() * torch.exp(-log_spread) + log_spread).mean()
    return (0.5 * errors.square() * torch.exp(-2.0 * log_spread) + log_spread).mean()


def spreads_of(outputs: Tensor) -> Tensor | None:
    """(n,) predicted standard deviations, or None where the loss has none."""
    if outputs.shape[1] == OUTPUTS["l1"]:
        return None
    return torch.exp(outputs[:, 1].clamp(-_LARGEST_LOG_SPREAD, _LARGEST_LOG_SPREAD))
