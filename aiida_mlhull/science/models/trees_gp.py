"""Extra-trees and a Gaussian process on structure descriptors, averaged.

Strong with a few hundred labels and fitted in seconds. The two err differently: trees find thresholds
and interactions, the process interpolates between near neighbors in composition and structure.

The spread of a row (for the heteroscedastic loss) is s sqrt(g² + t²), with g the process' standard
deviation and t the standard deviation over the trees. The trees rank errors better among known chemical
systems, the process knows when a row lies far from all labels. The factor s is the maximum-likelihood
width of a Laplace distribution on the validation rows, sqrt(2) times the mean of |error| over spread,
as in the heteroscedastic loss of networks. The spread is the expected error of this member, whatever
its origin: noise and ignorance can't be told apart here.

Labels further from the median than 12 times the median deviation (broken calculations, as a rule) are
moved to that border before anything is learned from them.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar, Final

import numpy as np
from pydantic import Field

from aiida_mlhull.science.errors import FitError, WeightsError
from aiida_mlhull.science.models.base import Loss, ModelSettings, Report, silent
from aiida_mlhull.science.models.parts.forest import Forest
from aiida_mlhull.science.models.parts.gaussian_process import GaussianProcess, Kernel, Standardizer
from aiida_mlhull.science.representations.descriptors import Descriptors, describe
from aiida_mlhull.science.types import MemberWeights, ModelRows
from aiida_mlhull.science.types.crystals import Floats, Integers

_OUTLIER: Final = 12.0


class TreesGPSettings(ModelSettings):
    """Settings of :class:`TreesGP`.

    Attributes:
        trees: number of trees.
        max_features: share of the columns that a split chooses from.
        min_samples_leaf: fewest rows in a leaf.
        tree_share: weight of the trees in the mean; the rest is the process'.
        process_rows: the process remembers at most this many rows, drawn by the member's seed, as its cost
            grows with the third power; members remember different ones. The trees see all rows.
        tuning_rows: rows that choose the process' kernel and give its variance.
    """

    trees: int = Field(default=100, ge=1)
    max_features: float = Field(default=0.5, gt=0, le=1)
    min_samples_leaf: int = Field(default=1, ge=1)
    tree_share: float = Field(default=0.5, ge=0, le=1)
    process_rows: int = Field(default=4000, ge=10)
    tuning_rows: int = Field(default=600, ge=10)


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
        center, scale, learned = _standardized(targets[train])
        standardizer = Standardizer.fit(inputs.values[train])
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
        meta["spread_factor"] = float(np.sqrt(2) * np.mean(np.abs(errors) / spreads))
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
        spreads = np.sqrt(np.square(deviations) + by_tree.var(axis=1))
        return meta["center"] + meta["scale"] * mixed, meta["scale"] * meta["spread_factor"] * spreads


def _standardized(targets: Floats) -> tuple[float, float, Floats]:
    """Center, scale, and the targets in these terms, far outliers brought to the border."""
    center = float(np.median(targets))
    reach = _OUTLIER * float(np.median(np.abs(targets - center)))
    tamed = np.clip(targets, center - reach, center + reach) if reach > 0 else targets
    scale = float(np.std(tamed)) or 1.0
    return center, scale, (tamed - center) / scale


def _arrays(forest: Forest, process: GaussianProcess, standardizer: Standardizer) -> dict[str, Any]:
    return {
        **{f"forest.{name}": value for name, value in vars(forest).items()},
        "process.rows": process.rows,
        "process.compositional": process.compositional,
        "process.alpha": process.alpha,
        "process.spread_rows": process.spread_rows,
        "standardizer.means": standardizer.means,
        "standardizer.scales": standardizer.scales,
    }


def _forest(arrays: dict[str, Any]) -> Forest:
    return Forest(*(arrays[f"forest.{name}"] for name in ("roots", "features", "splits", "rights")))


def _process(arrays: dict[str, Any], meta: dict[str, Any]) -> GaussianProcess:
    kernel = Kernel(**{name: value for name, value in meta.items() if name != "scale"})
    parts = {name: arrays[f"process.{name}"] for name in ("rows", "compositional", "alpha", "spread_rows")}
    return GaussianProcess(**parts, kernel=kernel, scale=meta["scale"])


def _standardizer(arrays: dict[str, Any]) -> Standardizer:
    return Standardizer(arrays["standardizer.means"], arrays["standardizer.scales"])
