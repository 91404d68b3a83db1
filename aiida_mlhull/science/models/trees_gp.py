"""Extra-trees and a Gaussian process on structure descriptors, averaged.

Strong with a few hundred labels and fitted in seconds. The two err differently: trees find thresholds
and interactions, the process interpolates between near neighbors in composition and structure.

The spread of a row (for the heteroscedastic loss) is s sqrt((g² + t²) / 2), with g the process'
standard deviation and t the standard deviation over the trees; s makes the mean squared z-score of the
validation rows one. It is the expected error of this member, whatever its origin: what one would split
into noise and ignorance in a network trained by gradients can't be told apart here.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from aiida_mlhull.science.errors import FitError, WeightsError
from aiida_mlhull.science.models.base import Loss, ModelSettings, Report, silent
from aiida_mlhull.science.models.parts.forest import Forest
from aiida_mlhull.science.models.parts.gaussian_process import GaussianProcess, Kernel, Standardizer
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
        process_rows: the process remembers at most this many rows, drawn by the member's seed: its cost
            grows with the third power. Members remember different ones.
        tuning_rows: rows that choose the process' kernel.
    """

    trees: int = Field(default=100, ge=1)
    max_features: float = Field(default=0.5, gt=0, le=1)
    min_samples_leaf: int = Field(default=1, ge=1)
    tree_share: float = Field(default=0.5, ge=0, le=1)
    process_rows: int = Field(default=3000, ge=10)
    tuning_rows: int = Field(default=800, ge=10)


class TreesGP:
    """See the module's text; needs neither torch nor pickles."""

    Settings: ClassVar[type[ModelSettings]] = TreesGPSettings

    def __init__(self, settings: TreesGPSettings) -> None:
        self.settings = settings

    def represent(self, rows: ModelRows) -> Descriptors:
        """(n, D) descriptors."""
        return describe(rows.crystals)

    def fit(
        self,
        inputs: Descriptors,
        targets: Floats,
        *,
        train: Integers,
        validation: Integers,
        loss: Loss,
        seed: int,
        device: str = "cpu",  # noqa: ARG002  (trees and process run on the processor)
        report: Report = silent,
    ) -> MemberWeights:
        """Fit one member; it runs on the processor whatever ``device`` says."""
        started = time.perf_counter()
        center, scale = float(np.median(targets[train])), float(np.std(targets[train])) or 1.0
        standardizer = Standardizer.fit(inputs.values[train])
        learned = (targets[train] - center) / scale
        forest = Forest.fit(
            inputs.values[train],
            learned,
            trees=self.settings.trees,
            max_features=self.settings.max_features,
            min_samples_leaf=self.settings.min_samples_leaf,
            seed=seed,
        )
        remembered = np.sort(np.random.default_rng(seed).permutation(len(train))[: self.settings.process_rows])
        process = GaussianProcess.fit(
            standardizer(inputs.values[train][remembered]),
            inputs.compositional,
            learned[remembered],
            tuning_rows=self.settings.tuning_rows,
            seed=seed,
        )
        meta: dict[str, Any] = {
            "center": center,
            "scale": scale,
            "loss": loss,
            "spread_factor": 1.0,
            "columns": list(inputs.names),
            "process": {**vars(process.kernel), "scale": process.scale},
        }
        unscaled = MemberWeights(_arrays(forest, process, standardizer), meta, {}, seed)
        means, spreads = self._predict(unscaled, inputs.values[validation])
        errors = means - targets[validation]
        if not np.isfinite(errors).all():
            raise FitError("the fit of trees and Gaussian process gave values that are not finite")
        meta["spread_factor"] = float(np.sqrt(np.mean(np.square(errors / spreads))))
        scores = {
            "validation_mae": float(np.abs(errors).mean()),
            "validation_mse": float(np.square(errors).mean()),
            "epochs": 1,
            "seconds": time.perf_counter() - started,
        }
        report(f"trees and process on {len(train)} rows: validation MAE {scores['validation_mae']:.4f}")
        return MemberWeights(unscaled.arrays, meta, scores, seed)

    def predict(
        self,
        weights: MemberWeights,
        inputs: Descriptors,
        *,
        device: str = "cpu",  # noqa: ARG002
    ) -> tuple[Floats, Floats | None]:
        """Means and, for the heteroscedastic loss, spreads.

        Raises:
            WeightsError: if the weights are of another model or of other descriptors.
        """
        if weights.meta.get("columns") != list(inputs.names):
            raise WeightsError("these weights were not fitted by trees_gp on the descriptors of this version")
        means, spreads = self._predict(weights, inputs.values)
        return means, spreads if weights.meta["loss"] == "robust_l1" else None

    def _predict(self, weights: MemberWeights, values: Floats) -> tuple[Floats, Floats]:
        arrays, meta = weights.arrays, weights.meta
        by_tree = _forest(arrays).predict(values)
        means, deviations = _process(arrays, meta["process"]).predict(_standardizer(arrays)(values))
        share = self.settings.tree_share
        mixed = share * by_tree.mean(axis=1) + (1 - share) * means
        spreads = np.sqrt((np.square(deviations) + by_tree.var(axis=1)) / 2)
        return meta["center"] + meta["scale"] * mixed, meta["scale"] * meta["spread_factor"] * spreads


def _arrays(forest: Forest, process: GaussianProcess, standardizer: Standardizer) -> dict[str, Any]:
    return {
        **{f"forest.{name}": value for name, value in vars(forest).items()},
        "process.rows": process.rows,
        "process.compositional": process.compositional,
        "process.targets": process.targets,
        "standardizer.means": standardizer.means,
        "standardizer.scales": standardizer.scales,
    }


def _forest(arrays: dict[str, Any]) -> Forest:
    return Forest(*(arrays[f"forest.{name}"] for name in ("roots", "features", "splits", "rights")))


def _process(arrays: dict[str, Any], meta: dict[str, Any]) -> GaussianProcess:
    kernel = Kernel(**{name: value for name, value in meta.items() if name != "scale"})
    rows, compositional, targets = (arrays[f"process.{name}"] for name in ("rows", "compositional", "targets"))
    return GaussianProcess(rows, compositional, targets, kernel, meta["scale"])


def _standardizer(arrays: dict[str, Any]) -> Standardizer:
    return Standardizer(arrays["standardizer.means"], arrays["standardizer.scales"])
