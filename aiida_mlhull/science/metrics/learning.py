"""Learning curves as power laws, and where the next core-hour of labels is spent best.

Source: Hoffmann, Schmidt, Botti and Marques, Digital Discovery 2 (2023) 1368: errors fall with the number of
labels as straight lines in log-log plots, with and without pre-training on a cheaper functional.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from aiida_mlhull.science.errors import SettingsError, TableError
from aiida_mlhull.science.types.crystals import Floats, Integers


@dataclass(frozen=True)
class PowerLaw:
    """error = 10^intercept n^slope.

    Attributes:
        slope: of log10(error) over log10(n); negative where labels help.
        intercept: log10 of the error at one label, in the error's unit.
        slope_error: standard error of the slope; NaN for two sizes.
        points: sizes that it was fitted to.
    """

    slope: float
    intercept: float
    slope_error: float
    points: int

    def __call__(self, labels: float | Floats) -> Floats:
        """The error after so many labels."""
        return np.asarray(10.0**self.intercept * np.asarray(labels, dtype=np.float64) ** self.slope)

    def labels_for(self, error: float) -> float:
        """Labels after which the error is that low; infinite if labels don't help."""
        if self.slope >= 0:
            return float("inf")
        return float(10.0 ** ((np.log10(error) - self.intercept) / self.slope))


def fit_power_law(sizes: Integers | Floats, errors: Floats) -> PowerLaw:
    """Least squares in the logarithms; (k,) or (k, r) errors of r repeats are averaged over the repeats first.

    Raises:
        TableError: with fewer than two sizes, or errors that are not positive.
    """
    mean = np.asarray(errors, dtype=np.float64).reshape(len(sizes), -1).mean(axis=1)
    if len(np.unique(sizes)) < 2 or not (mean > 0).all() or not (np.asarray(sizes) > 0).all():  # noqa: PLR2004
        raise TableError("a power law needs two or more different sizes, and errors above zero")
    x, y = np.log10(np.asarray(sizes, dtype=np.float64)), np.log10(mean)
    around = x - x.mean()
    slope = float(around @ y / (around @ around))
    intercept = float(y.mean() - slope * x.mean())
    left = y - intercept - slope * x
    spare = len(x) - 2
    error = float(np.sqrt(left @ left / spare / (around @ around))) if spare else float("nan")
    return PowerLaw(slope=slope, intercept=intercept, slope_error=error, points=len(x))


def read_power_law(points: str) -> PowerLaw:
    """The power law through points as people write them: ``100:0.16,200:0.12``, sizes and errors.

    Raises:
        SettingsError: if they can't be read.
        TableError: see :func:`fit_power_law`.
    """
    try:
        pairs = [tuple(map(float, point.split(":"))) for point in points.split(",")]
        sizes, errors = zip(*pairs, strict=True)
    except ValueError as error:
        raise SettingsError(
            f"{points!r} is not a learning curve; write N:ERROR,N:ERROR,..., as in 100:0.16,200:0.12"
        ) from error
    return fit_power_law(np.asarray(sizes), np.asarray(errors))


def learning_facts(sizes: Integers, mae: Floats, rmse: Floats) -> dict[str, Any]:
    """A learning curve as plain numbers, with its power law where there are sizes enough.

    Args:
        sizes: (k,) rows to learn from.
        mae: (k, r) mean absolute errors of r repeats.
        rmse: (k, r) root mean squared errors.
    """
    law = fit_power_law(sizes, mae) if len(sizes) > 1 else None
    half = float("inf") if law is None else law.labels_for(float(mae[-1].mean()) / 2)
    return {
        "sizes": sizes.tolist(),
        "mae": mae.mean(axis=1).tolist(),
        "rmse": rmse.mean(axis=1).tolist(),
        "mae_repeats": mae.tolist(),
        "slope": None if law is None else law.slope,
        "intercept": None if law is None else law.intercept,
        "rows_for_half": half if np.isfinite(half) else None,
    }


@dataclass(frozen=True)
class LabelSpending:
    """How a budget is best spent on two kinds of labels.

    Attributes:
        expensive: further labels of the wanted kind.
        cheap: further labels for pre-training.
        error_ratio: error afterwards over error before.
        next_hour: ``expensive`` or ``cheap``: where the very next core-hour helps more.
        gain_expensive: share by which the error falls with one core-hour of expensive labels, now.
        gain_cheap: the same for cheap ones.
    """

    expensive: float
    cheap: float
    error_ratio: float
    next_hour: str
    gain_expensive: float
    gain_cheap: float


def spend(
    expensive: PowerLaw, cheap: PowerLaw, *, have: tuple[float, float], budget: float, cost: float, cost_ratio: float
) -> LabelSpending:
    """Where to spend ``budget`` core-hours.

    Both curves are the error of the same wanted quantity: over the number of expensive labels with the cheap
    ones at hand, and over the number of cheap labels with the expensive ones at hand. They are taken to hold
    side by side, error = K n_e^b n_c^c, which is what straight lines of equal slope at different amounts of
    pre-training mean. Then what is worth b and c core-hours in the end (those already spent included) is best
    in the ratio b : c, whatever the labels cost.

    Args:
        expensive: curve over the number of expensive labels.
        cheap: curve over the number of cheap labels.
        have: expensive and cheap labels at hand, both above zero.
        budget: core-hours.
        cost: core-hours of one expensive label.
        cost_ratio: cost of an expensive label over that of a cheap one.

    Raises:
        TableError: if neither curve falls, or an amount is not positive.
    """
    if min(*have, budget, cost, cost_ratio) <= 0:
        raise TableError("labels at hand, budget, cost and cost ratio must be positive")
    helps = max(-expensive.slope, 0.0), max(-cheap.slope, 0.0)
    if not any(helps):
        raise TableError("neither kind of label brings the error down: there is nothing to spend the budget on")
    spent = have[0] * cost, have[1] * cost / cost_ratio
    wanted = helps[0] / sum(helps) * (sum(spent) + budget) - spent[0]
    on_expensive = min(max(wanted, 0.0), budget)
    bought = on_expensive / cost, (budget - on_expensive) * cost_ratio / cost
    logarithm = sum(-power * np.log1p(more / now) for power, more, now in zip(helps, bought, have, strict=True))
    gains = helps[0] / spent[0], helps[1] / spent[1]
    return LabelSpending(
        expensive=bought[0],
        cheap=bought[1],
        error_ratio=float(np.exp(logarithm)),
        next_hour="expensive" if gains[0] >= gains[1] else "cheap",
        gain_expensive=gains[0],
        gain_cheap=gains[1],
    )
