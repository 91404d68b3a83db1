"""What random forests have in common, whatever features they grow on."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
from pydantic import Field

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.models.base import ROBUST, Loss, ModelSettings, ReportLine, silent
from aiida_mlhull.science.models.families.presets import PresetSettings
from aiida_mlhull.science.models.regressors.forest import Forest
from aiida_mlhull.science.models.training.scores import scores_of
from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.types import MemberWeights, ModelRows
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import slices

_ASKED_AT_ONCE: Final = 4096
_FLOOR: Final = 0.1
"""Least spread, as a share of the median one: trees that agree by chance are not certain."""


class ForestSettings(PresetSettings):
    """Settings of a random forest.

    Attributes:
        trees: number of trees.
        max_features: share of the columns that a split chooses from.
        min_samples_leaf: fewest rows in a leaf.
    """

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {"thesis": {"trees": 200, "max_features": 0.25}}

    trees: int = Field(default=200, ge=2)
    max_features: float = Field(default=1 / 3, gt=0, le=1)
    min_samples_leaf: int = Field(default=1, ge=1)


class ForestModel(ABC):
    """A random forest on a table of features; a subclass says which.

    The spread of a row is what its trees differ by, times one factor: the maximum-likelihood width of
    Laplace-distributed errors on the validation rows. The loss says whether it is given; splits are by
    squared error for all losses.
    """

    Settings: ClassVar[type[ModelSettings]] = ForestSettings
    reads: ClassVar[Reads]

    def __init__(self, settings: ForestSettings) -> None:
        self.settings = settings

    @abstractmethod
    def represent(self, rows: ModelRows) -> Floats:
        """(n, D) features."""

    def fit(
        self,
        inputs: Floats,
        targets: Floats,
        *,
        train: Integers,
        validation: Integers,
        loss: Loss,
        seed: int,
        device: str = "cpu",  # noqa: ARG002  (trees grow on the processor)
        report: ReportLine = silent,
    ) -> MemberWeights:
        """Fit one member; it runs on the processor whatever ``device`` says."""
        started = time.perf_counter()
        forest = Forest.bagged(inputs[train], targets[train], **self.settings.model_dump(), seed=seed)
        means, differing = _asked(forest, inputs[validation])
        errors = np.abs(means - targets[validation])
        floor = max(_FLOOR * float(np.median(differing)), 1e-9 * (float(targets[train].std()) or 1.0))
        factor = float(np.sqrt(2.0) * np.mean(errors / np.hypot(differing, floor)))
        scores = scores_of(errors, started=started)
        report(f"{self.settings.trees} trees on {len(train)} rows: validation MAE {scores['validation_mae']:.4f}")
        meta = {"loss": loss, "columns": inputs.shape[1], "floor": floor, "factor": factor or 1.0}
        return MemberWeights(forest.arrays(), meta, scores, seed)

    def predict(
        self,
        weights: MemberWeights,
        inputs: Floats,
        *,
        device: str = "cpu",  # noqa: ARG002
    ) -> tuple[Floats, Floats | None]:
        """Means over the trees and, for heteroskedastic losses, spreads.

        Raises:
            WeightsError: if the weights are of another model.
        """
        if weights.meta.get("columns") != inputs.shape[1] or "roots" not in weights.arrays:
            raise WeightsError(f"these weights were not fitted by {type(self).__name__} on features of this version")
        means, differing = _asked(Forest(**weights.arrays), inputs)
        spreads = weights.meta["factor"] * np.hypot(differing, weights.meta["floor"])
        return means, spreads if weights.meta["loss"] in ROBUST else None


def _asked(forest: Forest, rows: Floats) -> tuple[Floats, Floats]:
    """(n,) mean and standard deviation over the trees, in handfuls: every tree's answer takes room."""
    means, deviations = np.empty(len(rows)), np.empty(len(rows))
    for part in slices(len(rows), size=_ASKED_AT_ONCE):
        answers = forest.predict(rows[part])
        means[part], deviations[part] = answers.mean(axis=1), answers.std(axis=1)
    return means, deviations
