"""Whether the rows that an ensemble is unsure of are those where it errs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.metrics.uncertainty import (
    QUANTILES,
    Calibration,
    coverage,
    crps,
    log_ratios,
    miscalibration_area,
    nll,
    z_scores,
)
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.units import share_of

ORDERS: Final = 500
"""Random orders that chance is measured by."""
BAND: Final = (0.05, 0.95)
POINTS: Final = 100


@dataclass(frozen=True, eq=False)
class ConfidenceCurve:
    """Mean absolute error of the rows that are left after dropping the least certain ones.

    Attributes:
        dropped: (p,) share of the rows that is dropped, from 0.
        by_sigma: (p,) error of the rest where the largest σ go first.
        oracle: (p,) where the largest errors go first: no order does better.
        random: (p,) mean over random orders.
        band: (2, p) 5 % and 95 % quantiles over random orders.
    """

    dropped: Floats
    by_sigma: Floats
    oracle: Floats
    random: Floats
    band: Floats

    @property
    def ranking(self) -> float:
        """1 - (area of ``by_sigma`` above the oracle) / (area of chance above the oracle).

        1 for a perfect order, 0 for chance, negative for worse; chance's area is taken with its exact
        expectation, the mean error at every share. NaN if all errors are alike.
        """
        chance = float(np.mean(self.oracle[0] - self.oracle))
        if chance <= 0.0:
            return float("nan")
        return 1.0 - float(np.mean(self.by_sigma - self.oracle)) / chance


def confidence_curve(
    errors: Floats, sigma: Floats, *, orders: int = ORDERS, points: int = POINTS, seed: int = 0
) -> ConfidenceCurve:
    """Drop the least certain rows first, and see what error is left.

    Args:
        errors: (n,) predicted minus true.
        sigma: (n,) stated spreads; equal ones are dropped in the order of rows.
        orders: random orders.
        points: shares at which the curve is taken, at most n.
        seed: draws the random orders.

    Raises:
        TableError: if lengths differ, there are no rows, or a σ is not positive.
    """
    z_scores(errors, sigma)
    size = np.abs(errors)
    n = len(size)
    shares = np.linspace(1.0, 1.0 / points, min(points, n)).tolist()
    left = np.unique([share_of(n, share) for share in shares])[::-1]
    rng = np.random.default_rng(seed)
    chance = np.stack([_mean_of_first(rng.permutation(size), left) for _ in range(orders)])
    return ConfidenceCurve(
        dropped=np.asarray(1.0 - left / n),
        by_sigma=_mean_of_first(size[np.argsort(sigma, kind="stable")], left),
        oracle=_mean_of_first(np.sort(size), left),
        random=np.asarray(chance.mean(axis=0)),
        band=np.asarray(np.quantile(chance, BAND, axis=0)),
    )


def diagnose(
    errors: Floats, sigma: Floats, *, aleatoric: Floats | None = None, epistemic: Floats | None = None
) -> Calibration:
    """All numbers about the spreads of n rows, see :class:`~aiida_mlhull.science.metrics.uncertainty.Calibration`.

    Args:
        errors: (n,) predicted minus true.
        sigma: (n,) stated spreads.
        aleatoric: (n,) their aleatoric part, where it is known.
        epistemic: (n,) their epistemic part, where it is known.

    Raises:
        TableError: if lengths differ, there are no rows, or a σ is not positive.
    """
    z = z_scores(errors, sigma)
    ratio = None
    if aleatoric is not None and epistemic is not None:
        known = log_ratios(aleatoric, epistemic)
        ratio = float(np.nanmedian(known)) if np.isfinite(known).any() else None
    return Calibration(
        rows=len(errors),
        mae=float(np.abs(errors).mean()),
        rmse=float(np.sqrt(np.mean(np.square(errors)))),
        quantiles={share: float(np.quantile(np.abs(errors), share)) for share in QUANTILES},
        sharpness=float(np.sqrt(np.mean(np.square(sigma)))),
        z_mean=float(z.mean()),
        z_std=float(z.std()),
        coverage=coverage(errors, sigma),
        miscalibration_area=miscalibration_area(errors, sigma),
        nll=float(nll(errors, sigma).mean()),
        crps=float(crps(errors, sigma).mean()),
        ranking=confidence_curve(errors, sigma, orders=1).ranking,
        log_ratio=ratio,
    )


def _mean_of_first(ordered: Floats, counts: np.ndarray) -> Floats:
    return np.asarray(np.cumsum(ordered)[counts - 1] / counts)
