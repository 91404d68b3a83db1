"""A fine quantity from coarse columns: an apical distance from lattice parameters, a gap from a cheaper gap.

Most tables know the coarse columns of thousands of compounds and the fine one of a few hundred. Within a family of
like structures the two are related linearly; outliers are common (other refinements, misprints), so the line is Huber's
(P. J. Huber, Ann. Math. Stat. 35 (1964) 73), with scikit-learn's defaults and columns as they are, unscaled.

A line knows nothing beyond the compounds that it was fitted to. Rows outside the reference of their family are refused:
beyond the range of a column, or farther than any reference row from the middle of the cloud (R. D. Cook, Technometrics
19 (1977) 15: the leverage), which catches combinations of columns that occur alone but never together.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Booleans, Strings

EstimateStatus = Literal["estimated", "no_reference", "missing_value", "beyond_reference"]
"""Why a row has an estimate, or none."""

REASONS: Final[tuple[str, ...]] = get_args(EstimateStatus)

ROUNDING: Final = 1e-9
"""Relative slack at the border of the reference, so that its own outermost rows are inside."""


@dataclass(frozen=True, eq=False)
class FamilyLine:
    """What one family's reference gives.

    Attributes:
        coefficients: (F,) fine unit per unit of each coarse column.
        intercept: fine unit.
        n_rows: reference rows that it was fitted to.
        n_outliers: of those, beyond Huber's threshold.
        leave_one_out: root mean square of the errors of lines fitted without the row in question.
        spread: standard deviation of the fine quantity in the reference: the error of stating its mean.
        converged: whether the optimizer ended by itself, for the line and for all that leave one row out.
        lowest: (F,) smallest value of every coarse column.
        highest: (F,) largest value.
        center: (F,) mean of every column.
        metric: (F, F) inverse of the columns' scatter matrix.
        reach: largest leverage of a reference row, less what every row has.
    """

    coefficients: Floats
    intercept: float
    n_rows: int
    n_outliers: int
    leave_one_out: float
    spread: float
    converged: bool
    lowest: Floats
    highest: Floats
    center: Floats
    metric: Floats
    reach: float

    def __call__(self, coarse: Floats) -> Floats:
        """(n,) estimates for coarse columns (n, F), wherever they lie."""
        return np.asarray(coarse @ self.coefficients + self.intercept)

    def covers(self, coarse: Floats) -> Booleans:
        """(n,) whether rows of coarse columns (n, F) lie within the reference."""
        slack = ROUNDING * np.maximum(np.abs(self.lowest), np.abs(self.highest))
        in_range = ((coarse >= self.lowest - slack) & (coarse <= self.highest + slack)).all(axis=1)
        return np.asarray(in_range & (_leverage(coarse - self.center, self.metric) <= self.reach * (1.0 + 1e-6)))


@dataclass(frozen=True, eq=False)
class FamilyLines:
    """A line for every family whose reference is large enough.

    Attributes:
        lines: family to line.
        too_small: family to its number of usable reference rows, where these are too few.
    """

    lines: Mapping[str, FamilyLine]
    too_small: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Estimates:
    """The fine quantity of n rows.

    Attributes:
        values: (n,) NaN where there is none.
        reasons: (n,) one of :data:`REASONS`.
    """

    values: Floats
    reasons: Strings


def calibrate(coarse: Floats, fine: Floats, families: Strings | Sequence[str]) -> FamilyLines:
    """Fit a line per family, and test it by leaving one row out.

    Args:
        coarse: (m, F) columns of the reference; rows that are not finite are left out.
        fine: (m,) what is to be estimated.
        families: (m,) labels.

    Raises:
        TableError: if the columns don't fit together.
    """
    coarse, fine, labels = _checked(coarse, families, fine=fine)
    usable = np.isfinite(coarse).all(axis=1) & np.isfinite(fine)
    lines, too_small = {}, {}
    for family in sorted(set(labels.tolist())):
        rows = usable & (labels == family)
        x, y = coarse[rows], fine[rows]
        if _determines(x):
            lines[family] = _line(x, y)
        else:
            too_small[family] = len(y)
    return FamilyLines(lines, too_small)


def estimate(
    calibration: FamilyLines, coarse: Floats, families: Strings | Sequence[str], *, extrapolate: bool = False
) -> Estimates:
    """The fine quantity of rows that only have the coarse columns.

    Args:
        calibration: of :func:`calibrate`.
        coarse: (n, F) the same columns in the same order.
        families: (n,) labels.
        extrapolate: give values beyond the reference, too; the reasons still say so.

    Raises:
        TableError: if the columns don't fit together.
    """
    coarse, _, labels = _checked(coarse, families)
    values, reasons = np.full(len(labels), np.nan), np.full(len(labels), "no_reference", dtype="<U16")
    complete = np.isfinite(coarse).all(axis=1)
    for family, line in calibration.lines.items():
        if coarse.shape[1] != len(line.coefficients):
            raise TableError(f"{coarse.shape[1]} coarse columns, but the calibration has {len(line.coefficients)}")
        here = labels == family
        reasons[here & ~complete] = "missing_value"
        rows = np.flatnonzero(here & complete)
        inside = line.covers(coarse[rows])
        reasons[rows] = np.where(inside, "estimated", "beyond_reference")
        shown = rows if extrapolate else rows[inside]
        values[shown] = line(coarse[shown])
    return Estimates(values, reasons)


def _checked(coarse: Floats, families: Any, *, fine: Floats | None = None) -> tuple[Floats, Floats, Strings]:
    columns, labels = np.asarray(coarse, dtype=np.float64), np.asarray(families, dtype=np.str_)
    target = np.zeros(len(labels)) if fine is None else np.asarray(fine, dtype=np.float64)
    if columns.ndim != 2 or not len(columns) == len(labels) == len(target):  # noqa: PLR2004
        raise TableError(f"coarse {columns.shape}, fine {target.shape} and families {labels.shape} don't fit together")
    return columns, target, labels


def _determines(x: Floats) -> bool:
    """Whether a line is fixed by the rows, and stays so if any one of them is left out."""
    if len(x) < x.shape[1] + 2:
        return False
    ones = np.ones((len(x), 1))
    scaled = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    design = np.hstack([ones, scaled])
    full = design.shape[1]
    return all(np.linalg.matrix_rank(np.delete(design, row, axis=0), tol=1e-6) == full for row in range(len(x)))


def _line(x: Floats, y: Floats) -> FamilyLine:
    model, converged = _huber(x, y)
    errors = np.empty(len(y))
    for row in range(len(y)):
        others = np.delete(np.arange(len(y)), row)
        without, ended = _huber(x[others], y[others])
        converged &= ended
        errors[row] = float(without.predict(x[row : row + 1])[0]) - y[row]
    center = x.mean(axis=0)
    metric = np.linalg.inv((x - center).T @ (x - center))
    return FamilyLine(
        coefficients=np.asarray(model.coef_, dtype=np.float64),
        intercept=float(model.intercept_),
        n_rows=len(y),
        n_outliers=int(model.outliers_.sum()),
        leave_one_out=float(np.sqrt(np.mean(np.square(errors)))),
        spread=float(y.std()),
        converged=converged,
        lowest=x.min(axis=0),
        highest=x.max(axis=0),
        center=center,
        metric=metric,
        reach=float(_leverage(x - center, metric).max()),
    )


def _leverage(from_center: Floats, metric: Floats) -> Floats:
    """(n,) squared distances in the reference's own metric; for reference rows the leverage less 1/m."""
    return np.asarray(np.einsum("nf,fg,ng->n", from_center, metric, from_center))


def _huber(x: Floats, y: Floats) -> tuple[Any, bool]:
    """scikit-learn's Huber regression, and whether it converged."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415  (slow import)
    from sklearn.linear_model import HuberRegressor  # noqa: PLC0415  (slow import)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # kept as a fact of the line
        model = HuberRegressor().fit(x, y)
    return model, bool(model.n_iter_ < model.max_iter)
