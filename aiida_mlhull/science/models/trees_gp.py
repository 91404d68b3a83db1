"""Extra-trees and a Gaussian process on structure descriptors, averaged.

Strong with a few hundred labels and fitted in seconds. The two err differently: trees find thresholds
and interactions, the process interpolates between near neighbors in composition and structure.

The spread of a row (for the heteroscedastic loss) is s sqrt(t² + (g/2)² + f²), with t the standard
deviation over the trees, g the process' standard deviation, and f a third of the median t on the
validation rows. The trees rank errors better among known chemical systems; the process knows when a row
lies far from all labels; the floor is for crystals that look just like a labeled one (stacking
variants, say) and now and then relax to something else. The factor s is the maximum-likelihood width of
a Laplace distribution on the validation rows, sqrt(2) times the mean of |error| over spread, as in the
heteroscedastic loss of networks. The spread is the expected error of this member, whatever its origin:
noise and ignorance can't be told apart here.

What is learned lies on a scale that is linear near the baseline and logarithmic far above it (see
:class:`~aiida_mlhull.science.models.parts.target_scale.TargetScale`), so that hopeless crystals don't
decide how near ones are told apart. Where a cheaper stage has relaxed the rows, its energy, corrected
element by element, is taken off first and given back afterwards; it is a column, too.

Labels further from the median than 12 times the median deviation (broken calculations, as a rule) are
moved to that border before anything is learned from them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from aiida_mlhull.science.errors import FitError, WeightsError
from aiida_mlhull.science.models.base import Loss, ModelSettings, Report, silent
from aiida_mlhull.science.models.parts.forest import Forest
from aiida_mlhull.science.models.parts.gaussian_process import GaussianProcess, Kernel, Standardizer
from aiida_mlhull.science.models.parts.stage_correction import StageCorrection, element_fractions
from aiida_mlhull.science.models.parts.target_scale import TargetScale
from aiida_mlhull.science.representations.descriptors import Descriptors, describe
from aiida_mlhull.science.types import MemberWeights, ModelRows
from aiida_mlhull.science.types.crystals import Floats, Integers

_OUTLIER: Final = 12.0
_FLOOR: Final = 1 / 3
_SMALLEST_SPREAD: Final = 1e-6


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
class Inputs:
    """What is read from n rows.

    Attributes:
        descriptors: of the cells.
        unrelaxed: of the cells before any stage; None where these are they.
        fractions: (n, 118) element fractions.
        stage: (n,) eV/atom, energy of the stage before minus baseline; None where there was none.
    """

    descriptors: Descriptors
    unrelaxed: Descriptors | None
    fractions: Floats
    stage: Floats | None


class TreesGP:
    """See the module's text; needs neither torch nor pickles."""

    Settings: ClassVar[type[ModelSettings]] = TreesGPSettings

    def __init__(self, settings: TreesGPSettings) -> None:
        self.settings = settings

    def represent(self, rows: ModelRows) -> Inputs:
        """Descriptors, and what the stage before says."""
        stage = None if rows.stage_energies is None else rows.stage_energies - rows.baselines
        before = None if rows.unrelaxed is None else describe(rows.unrelaxed)
        return Inputs(describe(rows.crystals), before, element_fractions(rows.crystals), stage)

    def fit(
        self,
        inputs: Inputs,
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
        correction = None
        if inputs.stage is not None:
            correction = StageCorrection.fit(inputs.fractions[train], targets[train] - inputs.stage[train])
        values, offsets = self._columns(inputs, correction)
        center, scale, learned = _standardized(self._scale(targets[train]) - offsets[train])
        standardizer = Standardizer.fit(values[train])
        forest = Forest.fit(
            values[train],
            learned,
            trees=self.settings.trees,
            max_features=self.settings.max_features,
            min_samples_leaf=self.settings.min_samples_leaf,
            seed=seed,
        )
        remembered = np.sort(np.random.default_rng(seed).permutation(len(train))[: self.settings.process_rows])
        process = GaussianProcess.fit(
            standardizer(values[train][remembered]),
            _compositional(inputs),
            learned[remembered],
            tuning_rows=self.settings.tuning_rows,
            seed=seed,
        )
        meta: dict[str, Any] = {
            "center": center,
            "scale": scale,
            "loss": loss,
            "spread_factor": 1.0,
            "columns": list(inputs.descriptors.names),
            "process": {**vars(process.kernel), "scale": process.scale},
            "stage_correction": None if correction is None else correction.to_json(),
        }
        by_tree = forest.predict(values[validation]).std(axis=1)
        meta["spread_floor"] = max(_FLOOR * float(np.median(by_tree)), _SMALLEST_SPREAD)
        unscaled = MemberWeights(_arrays(forest, process, standardizer), meta, {}, seed)
        means, spreads = self._predict(unscaled, inputs)
        errors = self._scale.back(means)[validation] - targets[validation]
        if not np.isfinite(errors).all():
            raise FitError("the fit of trees and Gaussian process gave values that are not finite")
        on_scale = np.abs(means[validation] - self._scale(targets[validation]))
        meta["spread_factor"] = float(np.sqrt(2) * np.mean(on_scale / spreads[validation]))
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
        inputs: Inputs,
        *,
        device: str = "cpu",  # noqa: ARG002
    ) -> tuple[Floats, Floats | None]:
        """Means and, for the heteroscedastic loss, spreads.

        Raises:
            WeightsError: if the weights are of another model or of other descriptors, or were fitted with
                energies of a stage before that these rows lack. Weights fitted without don't look at them.
        """
        if weights.meta.get("columns") != list(inputs.descriptors.names):
            raise WeightsError("these weights were not fitted by trees_gp on the descriptors of this version")
        if weights.meta["stage_correction"] is not None and inputs.stage is None:
            raise WeightsError("these weights were fitted with energies of a stage before, which these rows lack")
        means, spreads = self._predict(weights, inputs)
        wide = spreads * self._scale.slope(means)
        return self._scale.back(means), wide if weights.meta["loss"] == "robust_l1" else None

    @property
    def _scale(self) -> TargetScale:
        return TargetScale(self.settings.linear_up_to)

    def _columns(self, inputs: Inputs, correction: StageCorrection | None) -> tuple[Floats, Floats]:
        """(n, D) columns, and (n,) what is taken off the targets on their scale."""
        before = inputs.unrelaxed
        if inputs.stage is None or correction is None:
            values = (inputs.descriptors if before is None else before).values
            return values, np.zeros(len(values))
        offsets = self._scale(inputs.stage + correction(inputs.fractions))
        columns = [inputs.descriptors.values, offsets]
        if before is not None:
            columns.append(before.values[:, ~before.compositional])
        return np.column_stack(columns), offsets

    def _predict(self, weights: MemberWeights, inputs: Inputs) -> tuple[Floats, Floats]:
        """Means and spreads on the targets' scale."""
        arrays, meta = weights.arrays, weights.meta
        told = meta["stage_correction"]
        values, offsets = self._columns(inputs, None if told is None else StageCorrection.from_json(told))
        by_tree = _forest(arrays).predict(values)
        means, deviations = _process(arrays, meta["process"]).predict(_standardizer(arrays)(values))
        share = self.settings.tree_share
        mixed = share * by_tree.mean(axis=1) + (1 - share) * means
        spreads = np.sqrt(by_tree.var(axis=1) + np.square(deviations / 2) + meta["spread_floor"] ** 2)
        scale = meta["scale"]
        return offsets + meta["center"] + scale * mixed, scale * meta["spread_factor"] * spreads


def _compositional(inputs: Inputs) -> NDArray[np.bool_]:
    """(D,) which columns speak of the composition only; those that the stage before adds don't."""
    columns = inputs.descriptors.compositional
    if inputs.stage is None:
        return columns
    structural = 0 if inputs.unrelaxed is None else int((~inputs.unrelaxed.compositional).sum())
    return np.append(columns, np.zeros(1 + structural, dtype=bool))


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
