"""What a cheaper stage's energies are off by, element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.crystals import HEAVIEST, Floats, Integers

_REACH = 0.05
_PENALTY = 0.02
_SWEEPS = 20
_EXACT = 1e-3
"""eV/atom; errors below this are not told apart when energies are weighed."""


@dataclass(frozen=True)
class StageCorrection:
    """Energy = stage's energy + sum of fraction times the element's correction.

    Two levels of theory differ by a shift per element in the first place: references, pseudopotentials,
    correction schemes. The fit is robust (iteratively reweighted least squares with Huber's weights),
    because a relaxation that ended in another basin says nothing about the shift.

    Attributes:
        corrections: atomic number to eV/atom of that element.
    """

    corrections: dict[int, float]

    @classmethod
    def fit(
        cls, fractions: Floats, differences: Floats, *, penalty: float = _PENALTY, reach: float = _REACH
    ) -> StageCorrection:
        """Fit to (n, Z) element fractions and (n,) energies minus stage energies.

        ``penalty`` is that of the squared corrections, in rows of the pure element; errors beyond ``reach`` (eV/atom)
        count linearly.
        """
        present = np.flatnonzero(fractions.any(axis=0))
        table = fractions[:, present]
        weights: Floats = np.ones(len(differences))
        found: Floats = np.zeros(len(present))
        for _ in range(_SWEEPS):
            normal = (table * weights[:, None]).T @ table + penalty * np.eye(len(present))
            found = np.asarray(np.linalg.solve(normal, table.T @ (weights * differences)), dtype=np.float64)
            left = np.abs(differences - table @ found)
            weights = np.asarray(np.minimum(1.0, reach / np.maximum(left, 1e-12)), dtype=np.float64)
        return cls(dict(zip((present + 1).tolist(), found.tolist(), strict=True)))

    def __call__(self, fractions: Floats) -> Floats:
        """(n,) eV/atom to add; elements that the fit has not seen get the mean of those that it has."""
        typical = float(np.mean(list(self.corrections.values()))) if self.corrections else 0.0
        return np.asarray(fractions @ [self.corrections.get(z, typical) for z in range(1, HEAVIEST + 1)])

    def to_json(self) -> dict[str, float]:
        """Plain JSON."""
        return {str(z): value for z, value in self.corrections.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> StageCorrection:
        """Back from :meth:`to_json`."""
        return cls({int(z): float(value) for z, value in values.items()})


@dataclass(frozen=True)
class StageCorrections:
    """A correction for each of k energies of a row, and what each is worth.

    Attributes:
        each: one for every energy.
        weights: inverse squares of the median errors that are left after correction, summing to one: two potentials of
            equal worth count half each, and a cheap level of theory hardly counts beside a good one.
    """

    each: tuple[StageCorrection, ...]
    weights: tuple[float, ...]

    @classmethod
    def fit(cls, stage: Floats, fractions: Floats, targets: Floats, train: Integers) -> StageCorrections:
        """Fit to (n, k) energies, (n, Z) fractions and (n,) targets, from those rows to learn from that have an energy."""
        found, worth = [], []
        for energies in stage.T:
            rows = train[np.isfinite(energies[train])]
            differences = targets[rows] - energies[rows]
            found.append(StageCorrection.fit(fractions[rows], differences))
            left = np.abs(differences - found[-1](fractions[rows]))
            worth.append(1.0 / max(float(np.median(left)) if len(left) else np.inf, _EXACT) ** 2)
        total = sum(worth)
        return cls(tuple(found), tuple(one / total for one in worth))

    def __call__(self, stage: Floats, fractions: Floats) -> tuple[Floats, Floats]:
        """(n, k) corrected energies, and (n,) their weighted mean over those that are there."""
        corrected = stage + np.column_stack([correction(fractions) for correction in self.each])
        weights = np.where(np.isfinite(corrected), self.weights, 0.0)
        return corrected, np.asarray((np.nan_to_num(corrected) * weights).sum(axis=1) / weights.sum(axis=1))

    def check(self, stage: Floats | None) -> None:
        """Refuse rows with other energies.

        Raises:
            WeightsError: if there are none, or not as many.
        """
        if stage is None:
            raise WeightsError("these weights were fitted with energies of a stage before, which these rows lack")
        if stage.shape[1] != len(self.each):
            raise WeightsError(
                f"these weights were fitted with {len(self.each)} energies of the stage before, these rows have "
                f"{stage.shape[1]}"
            )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"each": [one.to_json() for one in self.each], "weights": list(self.weights)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> StageCorrections:
        """Back from :meth:`to_json`; earlier versions knew of one energy, whose correction they wrote by itself."""
        if "each" not in values:
            return cls((StageCorrection.from_json(values),), (1.0,))
        return cls(tuple(StageCorrection.from_json(one) for one in values["each"]), tuple(values["weights"]))


def element_fractions(crystals: Crystals) -> Floats:
    """(n, 118) share of every element in the sites of n crystals."""
    owner = np.repeat(np.arange(len(crystals)), crystals.n_sites)
    counts = np.zeros((len(crystals), HEAVIEST))
    np.add.at(counts, (owner, crystals.numbers.astype(np.int64) - 1), 1.0)
    return np.asarray(counts / crystals.n_sites[:, None])
