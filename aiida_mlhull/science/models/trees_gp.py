"""Extra-trees and a Gaussian process on structure descriptors, averaged.

Strong with a few hundred labels and fitted in seconds. The two err differently: trees find thresholds
and interactions, the process interpolates between near neighbors in composition and structure.

The spread of a row (for the heteroscedastic loss) is the expected error of this member, whatever its
origin: noise and ignorance can't be told apart here. :mod:`~aiida_mlhull.science.models.regressors.tree_process`
says what it is made of.

What is learned lies on a scale that is linear near the baseline and logarithmic far above it (see
:class:`~aiida_mlhull.science.models.regressors.target_scale.TargetScale`), so that hopeless crystals don't
decide how near ones are told apart. Where a cheaper stage has relaxed the rows, its energy, corrected
element by element, is taken off first and given back afterwards; it is a column, too. Where several potentials have an
energy for a row, or several levels of theory, each is corrected for itself; their mean, weighted by the inverse square of
what each is typically off by, is taken off, and how far they are apart are further columns.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from aiida_mlhull.science.errors import FitError, WeightsError
from aiida_mlhull.science.models.base import ROBUST, Loss, ModelSettings, ReportLine, silent
from aiida_mlhull.science.models.regressors.stage_correction import StageCorrections, element_fractions
from aiida_mlhull.science.models.regressors.target_scale import TargetScale
from aiida_mlhull.science.models.regressors.tree_process import TreeProcess
from aiida_mlhull.science.models.training.scores import scores_of
from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.representations.descriptors import Descriptors, describe
from aiida_mlhull.science.types import MemberWeights, ModelRows
from aiida_mlhull.science.types.crystals import Floats, Integers


class TreesGPSettings(ModelSettings):
    """Settings of :class:`TreesGP`.

    Attributes:
        trees: number of trees.
        max_features: share of the columns that a split chooses from.
        min_samples_leaf: fewest rows in a leaf.
        tree_share: weight of the trees in the mean; the rest is the process'.
        process_rows: the process remembers at most this many rows, drawn by the member's seed, as its cost
            grows with the third power; members keep different ones. The trees see all rows.
        tuning_rows: rows that choose the process' kernel and give its variance.
        linear_up_to: eV/atom above the baseline up to which targets are learned as they are.
    """

    trees: int = Field(default=100, ge=1)
    max_features: float = Field(default=0.5, gt=0, le=1)
    min_samples_leaf: int = Field(default=1, ge=1)
    tree_share: float = Field(default=0.5, ge=0, le=1)
    process_rows: int = Field(default=4000, ge=10)
    tuning_rows: int = Field(default=600, ge=10)
    linear_up_to: float = Field(default=0.3, gt=0)


@dataclass(frozen=True, eq=False)
class TreesGPInputs:
    """What is read from n rows.

    Attributes:
        descriptors: of the cells.
        unrelaxed: of the cells before any stage; None where these are they.
        fractions: (n, 118) element fractions.
        stage: (n, k) eV/atom, energies of the stage before minus baseline; None where there was none.
    """

    descriptors: Descriptors
    unrelaxed: Descriptors | None
    fractions: Floats
    stage: Floats | None


class TreesGP:
    """See the module's text; needs neither torch nor pickles."""

    Settings: ClassVar[type[ModelSettings]] = TreesGPSettings
    reads: ClassVar[Reads] = "descriptors"

    def __init__(self, settings: TreesGPSettings) -> None:
        self.settings = settings

    def represent(self, rows: ModelRows) -> TreesGPInputs:
        """Descriptors, and what the stage before says."""
        stage = None if rows.stage_energies is None else rows.stage_energies - rows.baselines[:, None]
        before = None if rows.unrelaxed is None else describe(rows.unrelaxed)
        return TreesGPInputs(describe(rows.crystals), before, element_fractions(rows.crystals), stage)

    def fit(
        self,
        inputs: TreesGPInputs,
        targets: Floats,
        *,
        train: Integers,
        validation: Integers,
        loss: Loss,
        seed: int,
        device: str = "cpu",  # noqa: ARG002  (trees and process run on the processor)
        report: ReportLine = silent,
    ) -> MemberWeights:
        """Fit one member; it runs on the processor whatever ``device`` says."""
        started = time.perf_counter()
        corrections = (
            None if inputs.stage is None else StageCorrections.fit(inputs.stage, inputs.fractions, targets, train)
        )
        columns, offsets = self._columns(inputs, corrections)
        learned = self._scale(targets) - offsets
        settings = self.settings
        pair = TreeProcess.fit(
            columns[train],
            learned[train],
            compositional=_compositional(inputs),
            share=settings.tree_share,
            forest=settings.model_dump(include={"trees", "max_features", "min_samples_leaf"}),
            process_rows=settings.process_rows,
            tuning_rows=settings.tuning_rows,
            seed=seed,
        ).calibrated(columns[validation], learned[validation])
        means = self._scale.back(offsets[validation] + pair.predict(columns[validation])[0])
        errors = means - targets[validation]
        if not np.isfinite(errors).all():
            raise FitError("the fit of trees and Gaussian process gave values that are not finite")
        scores = scores_of(errors, started=started)
        meta = {
            "loss": loss,
            "columns": list(inputs.descriptors.names),
            "pair": pair.facts(),
            "stage_correction": None if corrections is None else corrections.to_json(),
        }
        report(f"trees and process on {len(train)} rows: validation MAE {scores['validation_mae']:.4f}")
        return MemberWeights(pair.arrays(), meta, scores, seed)

    def predict(
        self,
        weights: MemberWeights,
        inputs: TreesGPInputs,
        *,
        device: str = "cpu",  # noqa: ARG002
    ) -> tuple[Floats, Floats | None]:
        """Means and, for the heteroscedastic loss, spreads.

        Raises:
            WeightsError: if the weights are of another model or of other descriptors, or were fitted with
                energies of a stage before that these rows lack.
        """
        if weights.meta.get("columns") != list(inputs.descriptors.names):
            raise WeightsError("these weights were not fitted by trees_gp on the descriptors of this version")
        told = weights.meta["stage_correction"]
        corrections = None if told is None else StageCorrections.from_json(told)
        if corrections is not None:
            corrections.check(inputs.stage)
        columns, offsets = self._columns(inputs, corrections)
        means, spreads = TreeProcess.from_parts(weights.arrays, weights.meta["pair"]).predict(columns)
        means += offsets
        wide = spreads * self._scale.slope(means)
        return self._scale.back(means), wide if weights.meta["loss"] in ROBUST else None

    @property
    def _scale(self) -> TargetScale:
        return TargetScale(self.settings.linear_up_to)

    def _columns(self, inputs: TreesGPInputs, corrections: StageCorrections | None) -> tuple[Floats, Floats]:
        """(n, D) columns, and (n,) what is taken off the targets on their scale."""
        before = inputs.unrelaxed
        if inputs.stage is None or corrections is None:
            values = (inputs.descriptors if before is None else before).values
            return values, np.zeros(len(values))
        corrected, mean = corrections(inputs.stage, inputs.fractions)
        offsets = self._scale(mean)
        apart = np.nan_to_num(corrected[:, :-1] - mean[:, None])  # the last follows from the others
        columns = [inputs.descriptors.values, offsets, apart]
        if before is not None:
            columns.append(before.values[:, ~before.compositional])
        return np.column_stack(columns), offsets


def _compositional(inputs: TreesGPInputs) -> NDArray[np.bool_]:
    """(D,) which columns depend on the composition only; those that the stage before adds don't."""
    columns = inputs.descriptors.compositional
    if inputs.stage is None:
        return columns
    structural = 0 if inputs.unrelaxed is None else int((~inputs.unrelaxed.compositional).sum())
    return np.append(columns, np.zeros(inputs.stage.shape[1] + structural, dtype=bool))
