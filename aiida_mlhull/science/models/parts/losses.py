"""Losses on standardized targets; a network's columns are the mean and, where it has one, the log of the spread."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from aiida_mlhull.science.models.base import Loss

OUTPUTS: Final[dict[Loss, int]] = {"l1": 1, "robust_l1": 2}
"""Columns that a network has to give for each loss."""

_LARGEST_LOG_SPREAD: Final = 10.0


def loss_of(outputs: Tensor, targets: Tensor, *, loss: Loss) -> Tensor:
    """The mean loss of (n, 1 or 2) ``outputs`` for (n,) ``targets``.

    ``robust_l1`` is the negative log-likelihood of a Laplace distribution with standard deviation s,
    constants left out: sqrt(2) |y - m| / s + ln s (Goodall and Lee, Nat. Commun. 11 (2020) 6280, Eq. 9).
    """
    errors = (outputs[:, 0] - targets).abs()
    if loss == "l1":
        return errors.mean()
    log_spread = outputs[:, 1].clamp(-_LARGEST_LOG_SPREAD, _LARGEST_LOG_SPREAD)
    return (2**0.5 * errors * torch.exp(-log_spread) + log_spread).mean()


def spreads_of(outputs: Tensor) -> Tensor | None:
    """(n,) predicted standard deviations, or None where the loss has none."""
    if outputs.shape[1] == OUTPUTS["l1"]:
        return None
    return torch.exp(outputs[:, 1].clamp(-_LARGEST_LOG_SPREAD, _LARGEST_LOG_SPREAD))
