"""The median of the training targets: what a model has to offer, in few lines."""

from __future__ import annotations

import time
from typing import ClassVar

import numpy as np

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.models.base import ROBUST, Loss, ModelSettings, ReportLine, silent
from aiida_mlhull.science.models.training.scores import scores_of
from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.types import MemberWeights, ModelRows
from aiida_mlhull.science.types.crystals import Floats, Integers


class Median:
    """The same number for every row."""

    Settings: ClassVar[type[ModelSettings]] = ModelSettings
    reads: ClassVar[Reads] = "nothing"

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings

    def represent(self, rows: ModelRows) -> Integers:
        """(n,) row numbers: this model reads nothing."""
        return np.arange(len(rows))

    def fit(
        self,
        inputs: Integers,  # noqa: ARG002
        targets: Floats,
        *,
        train: Integers,
        validation: Integers,
        loss: Loss,
        seed: int,
        device: str = "cpu",  # noqa: ARG002
        report: ReportLine = silent,
    ) -> MemberWeights:
        """Take the median; nothing is random."""
        started = time.perf_counter()
        median = np.median(targets[train])
        errors = np.abs(median - targets[validation])
        scores = scores_of(errors, started=started)
        report(f"median of {len(train)} rows: validation MAE {scores['validation_mae']:.4f}")
        arrays = {"median": np.asarray([median]), "spread": np.asarray([1.25 * errors.mean()])}
        return MemberWeights(arrays, {"loss": loss}, scores, seed)

    def predict(
        self,
        weights: MemberWeights,
        inputs: Integers,
        *,
        device: str = "cpu",  # noqa: ARG002
    ) -> tuple[Floats, Floats | None]:
        """The median for every row and, for heteroskedastic losses, its spread.

        Raises:
            WeightsError: if the weights are of another model.
        """
        if weights.arrays.keys() != {"median", "spread"}:
            raise WeightsError("these weights are not those of a median")
        spreads = np.full(len(inputs), weights.arrays["spread"][0])
        values = np.full(len(inputs), weights.arrays["median"][0])
        return values, spreads if weights.meta["loss"] in ROBUST else None
