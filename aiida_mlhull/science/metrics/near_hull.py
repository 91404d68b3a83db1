"""Predictions for a gate's candidates compared with the hull: which are sorted rightly, where errors matter, in what order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.hull import stability
from aiida_mlhull.science.metrics.classification import Confusion, Errors, confusion, errors, on_fixed_hull
from aiida_mlhull.science.metrics.discovery import DiscoveryCurve, discovery_curves
from aiida_mlhull.science.metrics.windows import RollingError, StabilityHistogram, rolling_error, stability_histogram
from aiida_mlhull.science.types import Labels, Predictions, References

EDGES = np.linspace(-0.4, 0.4, 41)
"""eV/atom, of the histogram's bins."""

RATES: Final = ("prevalence", "precision", "recall", "false_positive_rate", "accuracy", "f1", "acceleration")


@dataclass(frozen=True, eq=False)
class NearHull:
    """Predictions of n rows whose energies have become known, by their distance from the hull of everything known.

    Attributes:
        confusion: stable or not, by matbench-discovery's convention: at most 0 eV/atom from the hull that the row
            itself isn't part of.
        errors: of the predicted distances.
        rolling: mean absolute error along the true distance.
        histogram: right and wrong along the predicted distance.
        curves: what relaxing in the order of the predicted distance finds, by notion of stable (eV/atom).
    """

    confusion: Confusion
    errors: Errors
    rolling: RollingError
    histogram: StabilityHistogram
    curves: dict[float, DiscoveryCurve]

    @property
    def reach(self) -> float:
        """The largest distance (eV/atom) at which the mean error still exceeds it; NaN if it never does."""
        inside = self.rolling.centers[self.rolling.inside_the_v]
        return float(abs(inside).max()) if len(inside) else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Rates as plain numbers, and how many rows they are of."""
        return {rate: getattr(self.confusion, rate) for rate in RATES} | {"rows": self.confusion.total}


def near_hull(predictions: Predictions, labels: Labels, references: References) -> NearHull:
    """Hold predictions against energies that exist by now.

    Distances are from the hull of the references and all results but the row itself, so that those on the hull lie
    below zero. Predicted distances are from the same hull: an error of the energy is one of the distance.

    Args:
        predictions: of candidates.
        labels: results; rows without an energy don't count.
        references: known phases.

    Raises:
        TableError: if no predicted row has a result with an energy.
        MissingEndMembersError: if the references lack an element.
    """
    known = labels.take(labels.succeeded)
    both = predictions.take(known.has(predictions.ids))
    if not len(both):
        raise TableError("none of the predicted rows has an energy by now")
    rows = known.positions(both.ids)
    true = stability(known.formulas, known.energies, references).signed[rows]
    energies = known.energies[rows]
    predicted = on_fixed_hull(true, energies, both.mean)
    return NearHull(
        confusion=confusion(true, predicted),
        errors=errors(true, predicted),
        rolling=rolling_error(true, predicted - true),
        histogram=stability_histogram(true, predicted, along=predicted, edges=EDGES),
        curves=discovery_curves(np.argsort(predicted, kind="stable"), true),
    )
