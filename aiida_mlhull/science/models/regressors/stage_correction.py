"""What a cheaper stage's energies are off by, element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.crystals import HEAVIEST, Floats

_REACH = 0.05
_PENALTY = 0.02
_SWEEPS = 20


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


def element_fractions(crystals: Crystals) -> Floats:
    """(n, 118) share of every element in the sites of n crystals."""
    owner = np.repeat(np.arange(len(crystals)), crystals.n_sites)
    counts = np.zeros((len(crystals), HEAVIEST))
    np.add.at(counts, (owner, crystals.numbers.astype(np.int64) - 1), 1.0)
    return np.asarray(counts / crystals.n_sites[:, None])
