"""Whether stated spreads have the size of the errors, and whether they tell large errors from small ones.

Errors e are predicted minus true, σ the stated standard deviation, z = e / σ; a Gaussian is meant
wherever a distribution is needed. Everything is a sum over rows in closed form, nothing is binned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.types.crystals import Floats

LEVELS: Final = (0.5, 0.68, 0.9, 0.95)
"""Central intervals that people ask for; 0.68 is ±0.994 σ, 0.95 is ±1.96 σ."""


@dataclass(frozen=True)
class Calibration:
    """How well stated spreads fit n errors.

    Attributes:
        rows: n.
        mae: mean absolute error, in the errors' unit.
        rmse: root of the mean squared error.
        quantiles: share of the rows to the absolute error that it stays below, in the errors' unit.
        sharpness: root of the mean σ², what ``rmse`` would be if σ were right.
        z_mean: mean of z; 0 if nothing is systematic.
        z_std: standard deviation of z; 1 if σ is right, larger if it is too small.
        coverage: level to the share of rows within its central interval.
        miscalibration_area: ∫ abs(share of rows within the central interval of level p, minus p) dp; 0 to 1/2.
        nll: mean negative log-likelihood, ln of the errors' unit.
        crps: mean continuous ranked probability score, in the errors' unit; the MAE for σ = 0.
        ranking: how far the order by σ is from chance (0) to the order by true error (1), see
            :class:`~aiida_mlhull.science.metrics.confidence.ConfidenceCurve`.
        log_ratio: median of log10(σ_a / σ_e): above 0 where noise outweighs what members differ by;
            None where a part of σ is not known, or a single member has no spread.
    """

    rows: int
    mae: float
    rmse: float
    quantiles: dict[float, float]
    sharpness: float
    z_mean: float
    z_std: float
    coverage: dict[float, float]
    miscalibration_area: float
    nll: float
    crps: float
    ranking: float
    log_ratio: float | None


QUANTILES: Final = (0.5, 0.9, 0.95)
"""Of absolute errors: half of the rows, and the tail."""


def z_scores(errors: Floats, sigma: Floats) -> Floats:
    """(n,) errors in units of σ.

    Raises:
        TableError: if lengths differ, there are no rows, or a σ is not positive.
    """
    if errors.shape != sigma.shape:
        raise TableError(f"{errors.shape} errors and {sigma.shape} spreads don't belong together")
    if not len(errors):
        raise TableError("no row has both an error and a spread")
    wrong = int((~(sigma > 0)).sum())
    if wrong:
        raise TableError(
            f"{wrong} of {len(sigma)} spreads are zero, negative or missing: nothing can be in units of them"
        )
    return np.asarray(errors / sigma)


def coverage(errors: Floats, sigma: Floats, *, levels: Sequence[float] = LEVELS) -> dict[float, float]:
    """Share of rows within the central interval of each level."""
    inside = _inside(z_scores(errors, sigma))
    return {level: float((inside <= level).mean()) for level in levels}


def calibration_curve(errors: Floats, sigma: Floats) -> tuple[Floats, Floats]:
    """Steps of the calibration curve: (n + 2,) levels, and the share of rows within each level's interval.

    Kuleshov, Fenner and Ermon, ICML 2018, for central intervals.
    """
    inside = np.sort(_inside(z_scores(errors, sigma)))
    return np.concatenate([[0.0], inside, [1.0]]), np.concatenate([np.arange(len(inside) + 1), [len(inside)]]) / len(
        inside
    )


def miscalibration_area(errors: Floats, sigma: Floats) -> float:
    """Area between the calibration curve and the diagonal, exact for the step function that the curve is."""
    levels, shares = calibration_curve(errors, sigma)
    left, right, height = levels[:-1], levels[1:], shares[:-1]
    # ∫ |h - p| dp has the antiderivative s(p - h) (p - h)² / 2 with s the sign.
    above, below = right - height, left - height
    return float(np.sum(0.5 * (np.sign(above) * above**2 - np.sign(below) * below**2)))


def nll(errors: Floats, sigma: Floats) -> Floats:
    """(n,) negative log-likelihood of each error: z² / 2 + ln σ + ln(2π) / 2."""
    return np.asarray(0.5 * np.square(z_scores(errors, sigma)) + np.log(sigma) + 0.5 * np.log(2.0 * np.pi))


def crps(errors: Floats, sigma: Floats) -> Floats:
    """(n,) continuous ranked probability score of a normal distribution.

    σ (z (2 Φ(z) - 1) + 2 φ(z) - 1/√π), Gneiting, Raftery, Westveld and Goldman, Mon. Weather Rev. 133 (2005)
    1098, Eq. 5.
    """
    z = z_scores(errors, sigma)
    density = np.exp(-0.5 * np.square(z)) / np.sqrt(2.0 * np.pi)
    from scipy.special import ndtr  # noqa: PLC0415  (as long to import as everything else here)

    return np.asarray(sigma * (z * (2.0 * ndtr(z) - 1.0) + 2.0 * density - 1.0 / np.sqrt(np.pi)))


def quantile_pairs(errors: Floats, sigma: Floats) -> tuple[Floats, Floats]:
    """(n,) quantiles of a standard normal distribution, and z in order: a QQ plot's points.

    Plotting positions are (k - 1/2) / n (Hazen).
    """
    z = np.sort(z_scores(errors, sigma))
    from scipy.special import ndtri  # noqa: PLC0415  (as above)

    return np.asarray(ndtri((np.arange(len(z)) + 0.5) / len(z))), z


def log_ratios(aleatoric: Floats, epistemic: Floats) -> Floats:
    """(n,) log10(σ_a / σ_e), NaN where either is zero."""
    known = (aleatoric > 0) & (epistemic > 0)
    ratio = np.divide(aleatoric, epistemic, out=np.ones_like(aleatoric), where=known)
    return np.where(known, np.log10(ratio), np.nan)


def _inside(z: Floats) -> Floats:
    """(n,) level of the smallest central interval that holds each row: 2 Φ(|z|) - 1."""
    from scipy.special import ndtr  # noqa: PLC0415  (as long to import as everything else here)

    return np.asarray(2.0 * ndtr(np.abs(z)) - 1.0)
