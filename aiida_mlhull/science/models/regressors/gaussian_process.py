"""Gaussian-process regression with a kernel of composition and structure.

Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006): prediction and variance
Eq. 2.25 and 2.26, leave-one-out residuals Eq. 5.12.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import slices

_TRIED: Final = {
    "range_composition": (0.5, 1.0, 2.0, 4.0),
    "range_structure": (0.5, 1.0, 2.0, 4.0),
    "noise": (0.005, 0.015, 0.05, 0.15),  # no less: crystals that look alike don't always relax alike
    "single": (0.1, 0.3),
}
_SWEEPS: Final = 2
_CHUNK: Final = 2048


@dataclass(frozen=True)
class Kernel:
    """k = a exp(-dc/lc) + b exp(-ds/ls) + exp(-dc/lc) exp(-ds/ls), and white noise on the diagonal.

    ``dc`` and ``ds`` are root-mean-square distances over standardized compositional and structural
    columns. The single terms let polymorphs of one composition, and one structure across
    compositions, speak for each other; the product asks for both.

    Attributes:
        range_composition: lc.
        range_structure: ls.
        noise: variance of the white noise, relative to the kernel.
        single: a and b.
    """

    range_composition: float = 2.0
    range_structure: float = 2.0
    noise: float = 0.015
    single: float = 0.3

    def __call__(self, composition: Floats, structure: Floats) -> Floats:
        """Kernel of the two distances, elementwise."""
        by_composition = np.exp(-composition / self.range_composition)
        by_structure = np.exp(-structure / self.range_structure)
        return np.asarray(self.single * (by_composition + by_structure) + by_composition * by_structure)

    def with_noise(self, distances: tuple[Floats, Floats]) -> Floats:
        """Covariance of rows whose square tables of distances these are."""
        covariance = self(*distances)
        covariance[np.diag_indices_from(covariance)] += self.noise
        return covariance

    @property
    def diagonal(self) -> float:
        """Kernel of a row with itself, without noise."""
        return 2 * self.single + 1


@dataclass(frozen=True, eq=False)
class Standardizer:
    """Columns brought to mean zero and variance one, those that don't vary left out.

    Attributes:
        means: (D,).
        scales: (D,), zero where a column is left out.
    """

    means: Floats
    scales: Floats

    @classmethod
    def fit(cls, rows: Floats) -> Standardizer:
        """Means and scales of (n, D) ``rows``."""
        spread = rows.std(axis=0)
        varies = spread > 1e-9 * np.maximum(np.abs(rows).max(axis=0), 1.0)
        return cls(rows.mean(axis=0), np.divide(1.0, spread, out=np.zeros_like(spread), where=varies))

    def __call__(self, rows: Floats) -> Floats:
        """Standardized rows, divided by the root of the number of columns that vary."""
        kept = max(int((self.scales > 0).sum()), 1)
        return np.asarray((rows - self.means) * self.scales / np.sqrt(kept))


@dataclass(frozen=True, eq=False)
class GaussianProcess:
    """A fitted process.

    Attributes:
        rows: (m, D), standardized rows that it keeps.
        compositional: (D,), true for compositional columns.
        alpha: (m,), inverse covariance times targets: the mean is one product with it.
        spread_rows: row numbers that the variance is computed from, few enough to factorize when asked.
            A variance from fewer rows is never smaller.
        kernel: with its noise.
        scale: factor of all standard deviations, from leave-one-out residuals.
    """

    rows: NDArray[np.float32]
    compositional: NDArray[np.bool_]
    alpha: Floats
    spread_rows: NDArray[np.int32]
    kernel: Kernel
    scale: float

    @classmethod
    def fit(
        cls, rows: Floats, compositional: NDArray[np.bool_], targets: Floats, *, tuning_rows: int, seed: int
    ) -> GaussianProcess:
        """Choose the kernel by least absolute leave-one-out error, then remember all rows.

        Args:
            rows: (m, D), standardized.
            compositional: (D,).
            targets: (m,), standardized.
            tuning_rows: at most this many rows, drawn by ``seed``, choose the kernel and give the variance.
            seed: of that draw.
        """
        remembered = rows.astype(np.float32)
        drawn = np.sort(np.random.default_rng(seed).permutation(len(rows))[:tuning_rows])
        distances = _distances(remembered[drawn], remembered[drawn], compositional)
        kernel = _best_kernel(distances, targets[drawn])
        residuals, variances = _leave_one_out(kernel, distances, targets[drawn])
        scale = float(np.sqrt(np.mean(np.square(residuals) / variances)))
        covariance = kernel.with_noise(_distances(remembered, remembered, compositional))
        alpha = cho_solve(cho_factor(covariance, lower=True, overwrite_a=True), targets)
        return cls(remembered, compositional, alpha, drawn.astype(np.int32), kernel, scale)

    def predict(self, rows: Floats) -> tuple[Floats, Floats]:
        """(n,) means and (n,) standard deviations (of a new observation) for standardized ``rows``."""
        spread_rows = self.rows[self.spread_rows]
        covariance = self.kernel.with_noise(_distances(spread_rows, spread_rows, self.compositional))
        lower, _ = cho_factor(covariance, lower=True, overwrite_a=True)
        largest = self.kernel.diagonal + self.kernel.noise
        means, deviations = np.empty(len(rows)), np.empty(len(rows))
        for part in slices(len(rows), size=_CHUNK):
            cross = self.kernel(*_distances(rows[part], self.rows, self.compositional))
            means[part] = cross @ self.alpha
            explained = np.square(solve_triangular(lower, cross[:, self.spread_rows].T, lower=True)).sum(axis=0)
            deviations[part] = self.scale * np.sqrt(np.maximum(largest - explained, self.kernel.noise))
        return means, deviations


def _best_kernel(distances: tuple[Floats, Floats], targets: Floats) -> Kernel:
    """One parameter after the other to its best value, twice: some twenty factorizations."""

    def error(kernel: Kernel) -> float:
        return float(np.abs(_leave_one_out(kernel, distances, targets)[0]).mean())

    best = Kernel()
    known = {best: error(best)}
    for name, values in list(_TRIED.items()) * _SWEEPS:
        for candidate in (replace(best, **{name: value}) for value in values):
            if candidate not in known:
                known[candidate] = error(candidate)
        best = min(known, key=lambda kernel: known[kernel])
    return best


def _distances(first: NDArray[Any], second: NDArray[Any], compositional: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(n, m) Euclidean distances over the compositional and over the structural columns."""
    return (
        _euclidean(first[:, compositional], second[:, compositional]),
        _euclidean(first[:, ~compositional], second[:, ~compositional]),
    )


def _euclidean(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    first, second = first.astype(np.float64), second.astype(np.float64)
    squares = np.square(first).sum(axis=1)[:, None] + np.square(second).sum(axis=1) - 2 * first @ second.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))


def _leave_one_out(kernel: Kernel, distances: tuple[Floats, Floats], targets: Floats) -> tuple[Floats, Floats]:
    """Residual and predictive variance of every row had it not been seen."""
    inverse = np.linalg.inv(kernel.with_noise(distances))
    diagonal = np.diag(inverse)
    return np.asarray(inverse @ targets / diagonal), np.asarray(1 / diagonal)
