"""Extra-trees and a Gaussian process on the same columns, averaged, with a spread for every row.

The spread is s sqrt(t² + (g/2)² + f²), with t the standard deviation over the trees, g the process'
standard deviation, and f a third of the median t on the validation rows. The trees rank errors better
among known chemical systems; the process knows when a row lies far from all labels; the floor is for
crystals that look just like a labeled one (stacking variants, say) and now and then relax to something
else. The factor s is the maximum-likelihood width of a Laplace distribution on the validation rows,
sqrt(2) times the mean of |error| over spread, as in the heteroscedastic loss of networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.models.regressors.forest import Forest
from aiida_mlhull.science.models.regressors.gaussian_process import GaussianProcess, Kernel, Standardizer
from aiida_mlhull.science.types.crystals import Floats

_OUTLIER: Final = 12.0
_FLOOR: Final = 1 / 3
_SMALLEST_SPREAD: Final = 1e-6


@dataclass(frozen=True, eq=False)
class TreeProcess:
    """A fitted pair.

    Attributes:
        forest: on the columns as they are.
        process: on standardized columns.
        standardizer: of the columns.
        center: of the targets.
        scale: of the targets.
        share: weight of the trees in the mean.
        floor: f above, in units of ``scale``.
        factor: s above.
    """

    forest: Forest
    process: GaussianProcess
    standardizer: Standardizer
    center: float
    scale: float
    share: float
    floor: float = _SMALLEST_SPREAD
    factor: float = 1.0

    @classmethod
    def fit(
        cls,
        columns: Floats,
        targets: Floats,
        *,
        compositional: NDArray[np.bool_],
        share: float,
        forest: Mapping[str, Any],
        process_rows: int,
        tuning_rows: int,
        seed: int,
    ) -> TreeProcess:
        """Fit both to (n, D) ``columns`` and (n,) ``targets``.

        Args:
            columns: to learn from.
            targets: those further from the median than 12 times the median deviation (broken
                calculations, as a rule) are moved to that border first.
            compositional: (D,), see :class:`GaussianProcess`.
            share: weight of the trees in the mean.
            forest: arguments of :meth:`Forest.fit`.
            process_rows: the process remembers at most this many rows, drawn by ``seed``.
            tuning_rows: see :meth:`GaussianProcess.fit`.
            seed: the only source of chance.
        """
        center, scale, learned = _standardized(targets)
        standardizer = Standardizer.fit(columns)
        remembered = np.sort(np.random.default_rng(seed).permutation(len(columns))[:process_rows])
        process = GaussianProcess.fit(
            standardizer(columns[remembered]), compositional, learned[remembered], tuning_rows=tuning_rows, seed=seed
        )
        return cls(Forest.fit(columns, learned, seed=seed, **forest), process, standardizer, center, scale, share)

    def calibrated(self, columns: Floats, targets: Floats) -> TreeProcess:
        """The same with floor and factor of the spread taken from rows that it hasn't learned from."""
        by_tree = self.forest.predict(columns).std(axis=1)
        floored = replace(self, floor=max(_FLOOR * float(np.median(by_tree)), _SMALLEST_SPREAD))
        means, spreads = floored.predict(columns)
        return replace(floored, factor=float(np.sqrt(2) * np.mean(np.abs(means - targets) / spreads)))

    def predict(self, columns: Floats) -> tuple[Floats, Floats]:
        """(n,) means and (n,) spreads for (n, D) ``columns``."""
        by_tree = self.forest.predict(columns)
        means, deviations = self.process.predict(self.standardizer(columns))
        mixed = self.share * by_tree.mean(axis=1) + (1 - self.share) * means
        spreads = np.sqrt(by_tree.var(axis=1) + np.square(deviations / 2) + self.floor**2)
        return self.center + self.scale * mixed, self.scale * self.factor * spreads

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that is an array, by name."""
        parts = {"forest": self.forest, "process": self.process, "standardizer": self.standardizer}
        named = {f"{part}.{name}": value for part, whole in parts.items() for name, value in vars(whole).items()}
        return {name: value for name, value in named.items() if isinstance(value, np.ndarray)}

    def facts(self) -> dict[str, Any]:
        """Everything else, as plain JSON."""
        kernel = {**vars(self.process.kernel), "deviation_scale": self.process.scale}
        return {
            "center": self.center,
            "scale": self.scale,
            "share": self.share,
            "floor": self.floor,
            "factor": self.factor,
            "kernel": kernel,
        }

    @classmethod
    def from_parts(cls, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> TreeProcess:
        """Back from :meth:`arrays` and :meth:`facts`.

        Raises:
            KeyError: if some are missing.
        """

        def part(prefix: str) -> dict[str, NDArray[Any]]:
            return {key.split(".", 1)[1]: value for key, value in arrays.items() if key.startswith(f"{prefix}.")}

        kernel = dict(facts["kernel"])
        scale = kernel.pop("deviation_scale")
        numbers = {name: facts[name] for name in ("center", "scale", "share", "floor", "factor")}
        return cls(
            forest=Forest(**part("forest")),
            process=GaussianProcess(**part("process"), kernel=Kernel(**kernel), scale=scale),
            standardizer=Standardizer(**part("standardizer")),
            **numbers,
        )


def _standardized(targets: Floats) -> tuple[float, float, Floats]:
    """Center, scale, and the targets in these terms, far outliers brought to the border."""
    center = float(np.median(targets))
    reach = _OUTLIER * float(np.median(np.abs(targets - center)))
    tamed = np.clip(targets, center - reach, center + reach) if reach > 0 else targets
    scale = float(np.std(tamed)) or 1.0
    return center, scale, (tamed - center) / scale
