"""What was predicted of rows whose truth has become known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.errors import TableError
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
    known = labels.take(labels.succeeded)
    both = predictions.take(np.isin(predictions.ids, known.ids))
    if not len(both):
        raise TableError("none of the predicted rows has an energy by now")
    return StatedErrors(
        errors=both.mean - known.select(both.ids).energies, aleatoric=both.aleatoric, epistemic=both.epistemic
    )
