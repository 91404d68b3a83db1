"""Stable or not: how well predicted distances from the hull sort candidates.

Two conventions meet in the literature, and both are here:

* matbench-discovery (Riebesell et al., Nat. Mach. Intell. 7 (2025) 836): stable means a distance of at
  most the threshold, a missing prediction counts as unstable, regression scores leave it out.
* Goodall 2021: stable means strictly below the threshold, on the full set.

Likewise two hulls: predictions can be measured against the fixed hull of true energies
(:func:`on_fixed_hull`, matbench-discovery), or against the hull that they span themselves together with
what is known (:func:`~aiida_mlhull.science.hull.stability`, Ekström 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Booleans


@dataclass(frozen=True)
class Confusion:
    """Four counts and all rates that follow from them; a rate without rows is NaN.

    Attributes:
        true_positives: stable, and said to be.
        false_positives: unstable, but said to be stable.
        true_negatives: unstable, and said to be.
        false_negatives: stable, but said to be unstable.
    """

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def total(self) -> int:
        """All rows."""
        return self.true_positives + self.false_positives + self.true_negatives + self.false_negatives

    @property
    def prevalence(self) -> float:
        """Share of the rows that are stable."""
        return ratio(self.true_positives + self.false_negatives, self.total)

    @property
    def precision(self) -> float:
        """Share of the rows said to be stable that are."""
        return ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of the stable rows that are said to be (true positive rate)."""
        return ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def false_positive_rate(self) -> float:
        """Share of the unstable rows that are said to be stable."""
        return ratio(self.false_positives, self.false_positives + self.true_negatives)

    @property
    def accuracy(self) -> float:
        """Share of the rows about which the truth is said."""
        return ratio(self.true_positives + self.true_negatives, self.total)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)

    @property
    def acceleration(self) -> float:
        """Discovery acceleration factor (DAF): precision over prevalence, the gain over random picks."""
        return self.precision / self.prevalence if self.prevalence > 0 else float("nan")


@dataclass(frozen=True)
class Errors:
    """Regression scores of the rows that have a prediction; NaN where there is none.

    Attributes:
        mae: eV/atom, mean absolute error.
        rmse: eV/atom, root of the mean squared error.
        r2: coefficient of determination.
        missing: rows without a prediction.
    """

    mae: float
    rmse: float
    r2: float
    missing: int


def ratio(part: float, whole: float) -> float:
    """``part / whole``, NaN where there is no whole."""
    return part / whole if whole else float("nan")


def is_stable(distance: Floats, *, threshold: float = 0.0, strict: bool = False) -> Booleans:
    """(n,) at most ``threshold`` eV/atom above the hull, or strictly below it; NaN is not stable."""
    return np.asarray(distance < threshold if strict else distance <= threshold)


def confusion(true: Floats, predicted: Floats, *, threshold: float = 0.0, strict: bool = False) -> Confusion:
    """Count the right and the wrong decisions.

    Args:
        true: (n,) eV/atom, true distance from the hull.
        predicted: (n,) eV/atom, predicted distance; NaN where there is none, which counts as unstable.
        threshold: eV/atom, what is still stable.
        strict: stable means strictly below the threshold (Goodall) instead of at most (matbench-discovery).

    Raises:
        TableError: if a true distance is missing or lengths differ.
    """
    _check(true, predicted)
    stable = is_stable(true, threshold=threshold, strict=strict)
    said = is_stable(predicted, threshold=threshold, strict=strict)
    return Confusion(
        true_positives=int((stable & said).sum()),
        false_positives=int((~stable & said).sum()),
        true_negatives=int((~stable & ~said).sum()),
        false_negatives=int((stable & ~said).sum()),
    )


def errors(true: Floats, predicted: Floats) -> Errors:
    """Regression scores of predicted distances (or energies); rows without a prediction are left out.

    Raises:
        TableError: if a true value is missing or lengths differ.
    """
    _check(true, predicted)
    there = ~np.isnan(predicted)
    missing = int((~there).sum())
    if not there.any():
        return Errors(mae=float("nan"), rmse=float("nan"), r2=float("nan"), missing=missing)
    difference = predicted[there] - true[there]
    variance = float(np.square(true[there] - true[there].mean()).sum())
    return Errors(
        mae=float(np.abs(difference).mean()),
        rmse=float(np.sqrt(np.square(difference).mean())),
        r2=1.0 - ratio(float(np.square(difference).sum()), variance),
        missing=missing,
    )


def on_fixed_hull(true_distance: Floats, true_energy: Floats, predicted_energy: Floats) -> Floats:
    """(n,) eV/atom, predictions against the hull of true energies: the energy's error moves the distance."""
    return np.asarray(true_distance + predicted_energy - true_energy)


def _check(true: Floats, predicted: Floats) -> None:
    if true.shape != predicted.shape:
        raise TableError(f"{true.shape} true and {predicted.shape} predicted values don't belong together")
    if np.isnan(true).any():
        raise TableError(f"{int(np.isnan(true).sum())} true values are missing")
