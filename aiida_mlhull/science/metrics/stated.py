"""What was predicted of rows whose truth has become known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics.classes import ClassScores, class_scores
from aiida_mlhull.science.types import Labels, Predictions
from aiida_mlhull.science.types.crystals import Floats


@dataclass(frozen=True, eq=False)
class StatedErrors:
    """Errors of n rows beside the spreads that were stated for them, all in one unit.

    Attributes:
        errors: (n,) predicted minus true.
        aleatoric: (n,) aleatoric spread.
        epistemic: (n,) epistemic spread.
    """

    errors: Floats
    aleatoric: Floats
    epistemic: Floats

    def __len__(self) -> int:
        return len(self.errors)

    @property
    def sigma(self) -> Floats:
        """(n,) both spreads together."""
        return np.hypot(self.aleatoric, self.epistemic)


def stated(predictions: Predictions, labels: Labels) -> StatedErrors:
    """Hold predictions against the labels that exist for them by now.

    Raises:
        TableError: if no predicted row has a label with an energy.
    """
    both, known = _both(predictions, labels)
    return StatedErrors(errors=both.mean - known.energies, aleatoric=both.aleatoric, epistemic=both.epistemic)


def parity(predictions: Predictions, labels: Labels) -> tuple[Floats, Floats, Floats]:
    """(n,) true values, (n,) predicted ones and (n,) their spreads, of the rows that have both.

    Raises:
        TableError: see :func:`stated`.
    """
    both, known = _both(predictions, labels)
    return known.energies, both.mean, both.sigma


def recognized(predictions: Predictions, labels: Labels, names: Sequence[str]) -> ClassScores:
    """Score an ensemble that tells two classes apart; predictions are probabilities of the second one.

    Raises:
        TableError: see :func:`stated`.
    """
    both, known = _both(predictions, labels)
    second = both.mean
    return class_scores(names, np.column_stack([1.0 - second, second]), known.energies.astype(np.int64))


def _both(predictions: Predictions, labels: Labels) -> tuple[Predictions, Labels]:
    known = labels.take(labels.succeeded)
    both = predictions.take(np.isin(predictions.ids, known.ids))
    if not len(both):
        raise TableError("none of the predicted rows has an energy by now")
    return both, known.select(both.ids)
