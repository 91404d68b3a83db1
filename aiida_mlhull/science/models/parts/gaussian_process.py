"""Gaussian-process regression with a kernel of composition and structure.

Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006): prediction and variance
Eq. 2.25 and 2.26, leave-one-out residuals Eq. 5.12.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from aiida_mlhull.science.types.crystals import Floats

_RANGES_COMPOSITION: Final = (0.7, 1.5)
_RANGES_STRUCTURE: Final = (0.5, 1.0, 2.0)
_NOISES: Final = (0.02, 0.1)
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

    range_composition: float
    range_structure: float
    noise: float
    single: float = 0.3

    def __call__(self, composition: Floats, structure: Floats) -> Floats:
        """Kernel of the two distances, elementwise."""
        by_composition = np.exp(-composition / self.range_composition)
        by_structure = np.exp(-structure / self.range_structure)
        return np.asarray(self.single * (by_composition + by_structure) + by_composition * by_structure)

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
    """A fitted process; its factorization is made anew from the rows when asked (it is large, and cheap).

    Attributes:
        rows: (m, D), standardized rows that it remembers.
        compositional: (D,), true for compositional columns.
        targets: (m,), standardized targets.
        kernel: with its noise.
        scale: factor of all standard deviations, from leave-one-out residuals.
    """

    rows: Floats
    compositional: NDArray[np.bool_]
    targets: Floats
    kernel: Kernel
    scale: float

    @classmethod
    def fit(
        cls, rows: Floats, compositional: NDArray[np.bool_], targets: Floats, *, tuning_rows: int, seed: int
    ) -> GaussianProcess:
        """Choose ranges and noise by least absolute leave-one-out error, then remember all rows.

        Args:
            rows: (m, D), standardized.
            compositional: (D,).
            targets: (m,), standardized.
            tuning_rows: at most this many rows, drawn by ``seed``, choose the kernel; 18 kernels are tried.
            seed: of that draw.
        """
        drawn = np.sort(np.random.default_rng(seed).permutation(len(rows))[:tuning_rows])
        composition, structure = _distances(rows[drawn], rows[drawn], compositional)
        candidates = [Kernel(*values) for values in product(_RANGES_COMPOSITION, _RANGES_STRUCTURE, _NOISES)]
        errors = [
            np.abs(_leave_one_out(kernel(composition, structure), kernel.noise, targets[drawn])[0]).mean()
            for kernel in candidates
        ]
        kernel = candidates[int(np.argmin(errors))]
        residuals, variances = _leave_one_out(kernel(composition, structure), kernel.noise, targets[drawn])
        scale = float(np.sqrt(np.mean(np.square(residuals) / variances)))
        return cls(rows, compositional, targets, kernel, scale)

    def predict(self, rows: Floats) -> tuple[Floats, Floats]:
        """(n,) means and (n,) standard deviations (of a new observation) for standardized ``rows``."""
        known = self.kernel(*_distances(self.rows, self.rows, self.compositional))
        known[np.diag_indices_from(known)] += self.kernel.noise
        lower, _ = factor = cho_factor(known, lower=True)
        alpha = cho_solve(factor, self.targets)
        means, deviations = [], []
        for start in range(0, len(rows), _CHUNK):
            cross = self.kernel(*_distances(rows[start : start + _CHUNK], self.rows, self.compositional))
            explained = np.square(solve_triangular(lower, cross.T, lower=True)).sum(axis=0)
            variance = np.maximum(self.kernel.diagonal + self.kernel.noise - explained, self.kernel.noise)
            means.append(cross @ alpha)
            deviations.append(self.scale * np.sqrt(variance))
        return np.concatenate(means), np.concatenate(deviations)

    def remembering(self, chosen: NDArray[np.int64]) -> GaussianProcess:
        """The same process that remembers only the ``chosen`` rows."""
        return replace(self, rows=self.rows[chosen], targets=self.targets[chosen])


def _distances(first: Floats, second: Floats, compositional: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(n, m) Euclidean distances over the compositional and over the structural columns."""
    return (
        _euclidean(first[:, compositional], second[:, compositional]),
        _euclidean(first[:, ~compositional], second[:, ~compositional]),
    )


def _euclidean(first: Floats, second: Floats) -> Floats:
    squares = np.square(first).sum(axis=1)[:, None] + np.square(second).sum(axis=1) - 2 * first @ second.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))


def _leave_one_out(kernel: Floats, noise: float, targets: Floats) -> tuple[Floats, Floats]:
    """Residual and predictive variance of every row had it not been seen."""
    inverse = np.linalg.inv(kernel + noise * np.eye(len(kernel)))
    diagonal = np.diag(inverse)
    return np.asarray(inverse @ targets / diagonal), np.asarray(1 / diagonal)
