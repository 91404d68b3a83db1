"""The mean of the training targets: the floor under all models.

Its spread is the mean absolute deviation on the validation rows, as a Laplace distribution's standard
deviation, the same for all rows. What a model is worth is how far it comes below this one.
"""

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


class Mean:
    """See the module's text."""

    Settings: ClassVar[type[ModelSettings]] = ModelSettings
    reads: ClassVar[Reads] = "nothing"

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings

    def represent(self, rows: ModelRows) -> Integers:
        """(n,) row numbers: there is nothing to read."""
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
        """Take the mean; nothing is random."""
        started = time.perf_counter()
        mean = targets[train].mean()
        errors = np.abs(mean - targets[validation])
        spread = np.sqrt(2.0) * errors.mean()
        scores = scores_of(errors, started=started)
        report(f"mean of {len(train)} rows: validation MAE {scores['validation_mae']:.4f}")
        return MemberWeights({"mean": np.asarray([mean]), "spread": np.asarray([spread])}, {"loss": loss}, scores, seed)

    def predict(
        self,
        weights: MemberWeights,
        inputs: Integers,
        *,
        device: str = "cpu",  # noqa: ARG002
    ) -> tuple[Floats, Floats | None]:
        """The mean for every row and, for heteroskedastic losses, its spread.

        Raises:
            WeightsError: if the weights are of another model.
        """
        if weights.arrays.keys() != {"mean", "spread"}:
            raise WeightsError("these weights are not those of a mean")
        n = len(inputs)
        spreads = np.full(n, weights.arrays["spread"][0])
        return np.full(n, weights.arrays["mean"][0]), spreads if weights.meta["loss"] in ROBUST else None
