"""What is done to crystals before a model sees them; the same for all members of an ensemble."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.ensembles.settings import Cells, EnsembleSettings
from aiida_mlhull.science.representations.volumes import AtomicVolumes, fit_atomic_volumes
from aiida_mlhull.science.types import ModelRows, TrainingRows
from aiida_mlhull.science.types.crystals import Floats

_FOLDS: Final = 5


@dataclass(frozen=True)
class Preparation:
    """Facts taken from all training rows.

    Attributes:
        cells: which cells were learned from.
        volumes: atomic volumes that unrelaxed cells are scaled to, or None to leave them as they are.
    """

    cells: Cells
    volumes: AtomicVolumes | None

    @classmethod
    def fit(cls, training: TrainingRows, settings: EnsembleSettings) -> Preparation:
        """Fit atomic volumes to the relaxed cells, unless the settings (or the volumes themselves) speak against it."""
        scales = settings.volume_scaling
        if scales == "auto":
            scales = _fit_is_nearer(training)
        return cls(settings.cells, fit_atomic_volumes(training.relaxed) if scales else None)

    def __call__(self, rows: ModelRows) -> ModelRows:
        """The rows with their unrelaxed cells scaled."""
        if self.volumes is None:
            return rows
        scaled = rows.crystals.with_volumes_per_atom(self.volumes.per_atom(rows.crystals))
        return replace(rows, crystals=scaled)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"cells": self.cells, "atomic_volumes": None if self.volumes is None else self.volumes.to_json()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Preparation:
        """Back from :meth:`to_json`."""
        volumes = values["atomic_volumes"]
        return cls(values["cells"], None if volumes is None else AtomicVolumes.from_json(volumes))


def _fit_is_nearer(training: TrainingRows) -> bool:
    """Whether cross-validated fitted volumes are nearer to the relaxed ones than the unrelaxed cells' own."""
    true = training.relaxed.volumes_per_atom
    fitted = np.empty(len(training))
    fold = np.arange(len(training)) % _FOLDS
    for held_out in range(min(_FOLDS, len(training))):
        rest = training.relaxed.take(fold != held_out) if len(training) > 1 else training.relaxed
        fitted[fold == held_out] = fit_atomic_volumes(rest).per_atom(training.relaxed.take(fold == held_out))
    return _median_error(fitted, true) < _median_error(training.crystals.volumes_per_atom, true)


def _median_error(volumes: Floats, true: Floats) -> float:
    return float(np.median(np.abs(np.log(volumes / true))))
