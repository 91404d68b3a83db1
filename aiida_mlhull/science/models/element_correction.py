"""A number per element: the linear floor under every model that corrects a cheaper stage.

With x_iz the share of element z in row i, the target is c + sum_z x_iz d_z. Where a stage has relaxed the rows, its
energy is taken off first, so that d_z is what the stage is off by for that element
(:mod:`~aiida_mlhull.science.models.regressors.stage_correction` has the robust fit); with the baseline ``stage``, that has
been done already and the target itself is the difference. What a network learns about a universal potential's
errors is what it gains over this.

A member is fitted to a bootstrap of the training rows, drawn by its seed. The spread of a row is
s sqrt(1 + x (X^T X + p)^-1 x^T), wider for elements that were seldom seen, with s the width of a Laplace
distribution on the validation rows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.models.base import ROBUST, Loss, ModelSettings, ReportLine, silent
from aiida_mlhull.science.models.regressors.stage_correction import StageCorrection
from aiida_mlhull.science.models.training.scores import scores_of
from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.representations.composition import SYMBOLS, fraction_matrix
from aiida_mlhull.science.types import MemberWeights, ModelRows
from aiida_mlhull.science.types.crystals import HEAVIEST, Floats, Integers

_REACH = 1 / 3
"""Of the targets' median deviation: errors beyond it count linearly, in whatever unit."""

_NAMES = frozenset({"center", "corrections", "precision", "width"})


class ElementCorrectionSettings(ModelSettings):
    """Settings of :class:`ElementCorrection`.

    Attributes:
        penalty: of the squared corrections, in rows of the pure element.
    """

    penalty: float = Field(default=0.02, gt=0)


@dataclass(frozen=True, eq=False)
class CorrectionInputs:
    """What is read from n rows.

    Attributes:
        fractions: (n, 118) element fractions.
        stage: (n,) mean energy of the stage before minus baseline; zeros where there was none.
        known: whether there was a stage.
    """

    fractions: Floats
    stage: Floats
    known: bool


class ElementCorrection:
    """See the module's text."""

    Settings: ClassVar[type[ModelSettings]] = ElementCorrectionSettings
    reads: ClassVar[Reads] = "composition"

    def __init__(self, settings: ElementCorrectionSettings) -> None:
        self.settings = settings

    def represent(self, rows: ModelRows) -> CorrectionInputs:
        """Element fractions, and what the stage before says."""
        known = rows.stage_energies is not None
        stage = np.zeros(len(rows))
        if rows.stage_energies is not None:
            # Corrections are linear: those of a mean are the mean of the corrections.
            means = rows.stage_energies.mean(axis=1)
            stage = np.where(np.isfinite(means), means, rows.stage_energies[:, 0]) - rows.baselines
        return CorrectionInputs(fraction_matrix(rows.formulas.tolist(), SYMBOLS), stage, known)

    def fit(
        self,
        inputs: CorrectionInputs,
        targets: Floats,
        *,
        train: Integers,
        validation: Integers,
        loss: Loss,
        seed: int,
        device: str = "cpu",  # noqa: ARG002
        report: ReportLine = silent,
    ) -> MemberWeights:
        """Fit one member; it runs on the processor whatever ``device`` says."""
        started = time.perf_counter()
        rows = np.random.default_rng(seed).choice(train, size=len(train))
        differences, fractions = targets - inputs.stage, inputs.fractions[rows]
        center = float(np.median(differences[rows]))
        penalty = self.settings.penalty
        learned = differences[rows] - center
        reach = _REACH * float(np.median(np.abs(learned))) or 1.0
        found = StageCorrection.fit(fractions, learned, penalty=penalty, reach=reach).corrections
        arrays = {
            "center": np.asarray([center]),
            "corrections": np.asarray([found.get(z, 0.0) for z in range(1, HEAVIEST + 1)]),
            "precision": fractions.T @ fractions + penalty * np.eye(HEAVIEST),
            "width": np.ones(1),
        }
        meta = {"loss": loss, "stage": inputs.known}
        means, spreads = _asked(arrays, inputs)
        errors = (means - targets)[validation]
        arrays["width"] = np.sqrt(2) * np.abs(errors / spreads[validation]).mean(keepdims=True)
        scores = scores_of(errors, started=started)
        report(f"{len(found)} elements on {len(train)} rows: validation MAE {scores['validation_mae']:.4f}")
        return MemberWeights(arrays, meta, scores, seed)

    def predict(
        self,
        weights: MemberWeights,
        inputs: CorrectionInputs,
        *,
        device: str = "cpu",  # noqa: ARG002
    ) -> tuple[Floats, Floats | None]:
        """Means and, for heteroskedastic losses, spreads.

        Raises:
            WeightsError: if the weights are of another model, or were fitted with energies of a stage before that
                these rows lack.
        """
        if weights.arrays.keys() != _NAMES:
            raise WeightsError("these weights are not those of element corrections")
        if weights.meta["stage"] and not inputs.known:
            raise WeightsError("these weights were fitted with energies of a stage before, which these rows lack")
        means, spreads = _asked(weights.arrays, inputs)
        return means, spreads if weights.meta["loss"] in ROBUST else None


def _asked(arrays: dict[str, Floats], inputs: CorrectionInputs) -> tuple[Floats, Floats]:
    fractions = inputs.fractions
    means = inputs.stage + arrays["center"][0] + fractions @ arrays["corrections"]
    leverage = np.einsum("iz,iz->i", fractions, np.linalg.solve(arrays["precision"], fractions.T).T)
    return means, arrays["width"][0] * np.sqrt(1.0 + leverage)
