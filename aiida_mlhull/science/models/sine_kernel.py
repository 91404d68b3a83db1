"""Kernel ridge regression on spectra of sine matrices: the kernel baseline of the crystal-graph papers.

Source: Faber, Lindmaa, von Lilienfeld and Armiento, Int. J. Quantum Chem. 115 (2015) 1094. With the Laplacian
kernel k(x, y) = exp(-|x - y|_1 / l) of the spectra (:mod:`~aiida_mlhull.science.representations.sine_matrix`), the
prediction is sum_i a_i k(x, x_i) with a = (K + λ)^-1 y. Eigenvalues come as their 2.4th root, so that heavy
elements don't outweigh all others (validation MAE on 47 crystals 0.69 instead of 0.89 eV/atom). Width l and
ridge λ are those of least absolute leave-one-out error on at most ``tuning_rows`` of the training rows.

The same equations are those of a Gaussian process, whose variance gives the spread, scaled by the leave-one-out
residuals. The cost grows with the third power of the rows: at most ``rows`` of them are remembered, drawn by
the member's seed, which is also all that members differ by.
"""

from __future__ import annotations

import time
from itertools import product
from typing import ClassVar, Final

import numpy as np
from pydantic import Field
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.models.base import ROBUST, Loss, ModelSettings, ReportLine, silent
from aiida_mlhull.science.models.training.scores import scores_of
from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.representations.sine_matrix import POWER, sine_spectra
from aiida_mlhull.science.types import MemberWeights, ModelRows
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import slices

_WIDTHS: Final = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Tried, in units of the median distance between training rows."""
_RIDGES: Final = (1e-6, 1e-4, 1e-2, 1e-1)
_ASKED_AT_ONCE: Final = 2048
_ARRAYS: Final = {"spectra", "coefficients", "inverse"}


class SineKernelSettings(ModelSettings):
    """Settings of :class:`SineKernel`.

    Attributes:
        rows: at most this many training rows are remembered.
        bag: share of the training rows that a member draws, if they are fewer.
        tuning_rows: rows that choose width and ridge.
    """

    rows: int = Field(default=3000, ge=10)
    bag: float = Field(default=0.9, gt=0, le=1)
    tuning_rows: int = Field(default=500, ge=10)


class SineKernel:
    """See the module's text."""

    Settings: ClassVar[type[ModelSettings]] = SineKernelSettings
    reads: ClassVar[Reads] = "descriptors"

    def __init__(self, settings: SineKernelSettings) -> None:
        self.settings = settings

    def represent(self, rows: ModelRows) -> Floats:
        """(n, N) spectra, on the scale of nuclear charges."""
        spectra = sine_spectra(rows.crystals)
        return np.asarray(np.sign(spectra) * np.abs(spectra) ** (1.0 / POWER))

    def fit(
        self,
        inputs: Floats,
        targets: Floats,
        *,
        train: Integers,
        validation: Integers,
        loss: Loss,
        seed: int,
        device: str = "cpu",  # noqa: ARG002  (linear algebra on the processor)
        report: ReportLine = silent,
    ) -> MemberWeights:
        """Fit one member; it runs on the processor whatever ``device`` says."""
        started = time.perf_counter()
        shuffled = np.random.default_rng(seed).permutation(train)
        drawn = shuffled[: min(self.settings.rows, max(1, round(self.settings.bag * len(train))))]
        few = drawn[: self.settings.tuning_rows]
        center, scale = float(targets[drawn].mean()), float(targets[drawn].std()) or 1.0
        spectra, wanted = inputs[drawn], (targets[drawn] - center) / scale
        width, ridge, spread = _tuned(inputs[few], (targets[few] - center) / scale)
        covariance = _kernel(spectra, spectra, width)
        covariance[np.diag_indices(len(drawn))] += ridge
        factorized = cho_factor(covariance, lower=True)
        arrays = {
            "spectra": spectra,
            "coefficients": cho_solve(factorized, wanted),
            # In the order that it is read back in: products of columns have other last bits.
            "inverse": np.ascontiguousarray(cho_solve(factorized, np.eye(len(drawn)))),
        }
        meta = {"loss": loss, "center": center, "scale": scale, "width": width, "ridge": ridge, "spread": spread}
        weights = MemberWeights(arrays, meta, {}, seed)
        errors = np.abs(self.predict(weights, inputs[validation])[0] - targets[validation])
        report(f"kernel on {len(drawn)} rows: validation MAE {errors.mean():.4f}")
        scores = scores_of(errors, started=started)
        return MemberWeights(arrays, meta, scores, seed)

    def predict(
        self,
        weights: MemberWeights,
        inputs: Floats,
        *,
        device: str = "cpu",  # noqa: ARG002
    ) -> tuple[Floats, Floats | None]:
        """Means and, for heteroskedastic losses, spreads.

        Raises:
            WeightsError: if the weights are of another model.
        """
        if weights.arrays.keys() != _ARRAYS:
            raise WeightsError("these weights were not fitted by sine_kernel")
        known, meta = weights.arrays["spectra"], weights.meta
        asked, known = _alike(inputs, known)
        means, spreads = np.empty(len(asked)), np.empty(len(asked))
        for part in slices(len(asked), size=_ASKED_AT_ONCE):
            cross = _kernel(asked[part], known, meta["width"])
            means[part] = cross @ weights.arrays["coefficients"]
            explained = ((cross @ weights.arrays["inverse"]) * cross).sum(axis=1)
            spreads[part] = np.sqrt(np.maximum(1.0 + meta["ridge"] - explained, meta["ridge"]))
        wide = meta["scale"] * meta["spread"] * spreads
        return meta["center"] + meta["scale"] * means, wide if meta["loss"] in ROBUST else None


def _alike(asked: Floats, known: Floats) -> tuple[Floats, Floats]:
    """Both tables with as many columns as the wider one."""
    width = max(asked.shape[1], known.shape[1])
    return tuple(np.pad(table, ((0, 0), (0, width - table.shape[1]))) for table in (asked, known))  # type: ignore[return-value]


def _kernel(first: Floats, second: Floats, width: float) -> Floats:
    return np.asarray(np.exp(-cdist(first, second, "cityblock") / width))


def _tuned(spectra: Floats, targets: Floats) -> tuple[float, float, float]:
    """Width and ridge of least absolute leave-one-out error, and the factor of the standard deviations."""
    distances = cdist(spectra, spectra, "cityblock")
    unit = float(np.median(distances)) or 1.0
    best = (np.inf, unit, _RIDGES[-1], 1.0)
    for width, ridge in product(_WIDTHS, _RIDGES):
        covariance = np.exp(-distances / (width * unit))
        covariance[np.diag_indices(len(targets))] += ridge
        inverse = np.linalg.inv(covariance)
        # Rasmussen and Williams (2006), Eq. 5.12.
        residuals, variances = inverse @ targets / np.diag(inverse), 1.0 / np.diag(inverse)
        error = float(np.abs(residuals).mean())
        factor = float(np.sqrt(np.mean(np.square(residuals) / variances)))
        best = min(best, (error, width * unit, ridge, factor))
    return best[1], best[2], best[3]
