"""What is done to crystals before a model sees them; the same for all members of an ensemble."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.ensembles.settings import CellChoice, EnsembleSettings, View
from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.representations.volumes import AtomicVolumes, fit_atomic_volumes
from aiida_mlhull.science.types import Crystals, ModelRows, TrainingRows
from aiida_mlhull.science.types.crystals import Floats

_FOLDS: Final = 5


@dataclass(frozen=True)
class Preparation:
    """Facts taken from all training rows.

    Attributes:
        cells: which cells were learned from.
        volumes: atomic volumes that the cells are scaled to, or None to leave them as they are.
        unrelaxed_volumes: the same for the cells before any stage, where rows bring them along.
    """

    cells: CellChoice
    volumes: AtomicVolumes | None
    unrelaxed_volumes: AtomicVolumes | None = None

    @classmethod
    def fit(cls, training: TrainingRows, settings: EnsembleSettings) -> Preparation:
        """Fit atomic volumes to the relaxed cells, unless the settings (or the volumes themselves) speak against it."""
        if training.protostructures is not None:  # there are no cells that could be scaled
            return cls(settings.cells, None)
        return cls(
            settings.cells,
            _volumes(training.crystals, training.relaxed, settings),
            None if training.unrelaxed is None else _volumes(training.unrelaxed, training.relaxed, settings),
        )

    def __call__(self, rows: ModelRows) -> ModelRows:
        """The rows with their cells scaled, where they have any."""
        if rows.protostructures is not None:
            return rows
        before = None if rows.unrelaxed is None else _scaled(rows.unrelaxed, self.unrelaxed_volumes)
        return replace(rows, crystals=_scaled(rows.crystals, self.volumes), unrelaxed=before)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "cells": self.cells,
            "atomic_volumes": None if self.volumes is None else self.volumes.to_json(),
            "unrelaxed_volumes": None if self.unrelaxed_volumes is None else self.unrelaxed_volumes.to_json(),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Preparation:
        """Back from :meth:`to_json`."""
        tables = (values["atomic_volumes"], values["unrelaxed_volumes"])
        return cls(values["cells"], *(None if table is None else AtomicVolumes.from_json(table) for table in tables))


def seen(rows: ModelRows, view: View) -> ModelRows:
    """The rows as a member sees them.

    To a blind one it is as if there had been no stage before: unrelaxed cells where there are any, no stage energies.
    Where none of the energies that a member looks at is there, it is shown the first of all.

    Raises:
        SettingsError: if the view names an energy that the rows don't have.
    """
    if view.is_blind:
        crystals = rows.crystals if rows.unrelaxed is None else rows.unrelaxed
        return replace(rows, crystals=crystals, unrelaxed=None, stage_energies=None)
    unrelaxed = rows.unrelaxed if view.cells == "both" else None
    told = rows.stage_energies
    if told is None or view.energies is None:
        return replace(rows, unrelaxed=unrelaxed)
    if max(view.energies) >= told.shape[1]:
        raise SettingsError(
            f"a member looks at energy {max(view.energies)} of the stage before, which gives {told.shape[1]} (counted "
            f"from 0); ask further potentials there, 'also: [...]', or change the ensemble's views"
        )
    chosen = told[:, list(view.energies)]
    nothing = ~np.isfinite(chosen).any(axis=1)
    chosen[nothing] = told[nothing, :1]
    return replace(rows, unrelaxed=unrelaxed, stage_energies=chosen)


def _volumes(crystals: Crystals, relaxed: Crystals, settings: EnsembleSettings) -> AtomicVolumes | None:
    scales = settings.volume_scaling
    if scales == "auto":
        scales = _fit_is_nearer(crystals, relaxed)
    return fit_atomic_volumes(relaxed) if scales else None


def _scaled(crystals: Crystals, volumes: AtomicVolumes | None) -> Crystals:
    return crystals if volumes is None else crystals.with_volumes_per_atom(volumes.per_atom(crystals))


def _fit_is_nearer(crystals: Crystals, relaxed: Crystals) -> bool:
    """Whether cross-validated fitted volumes are nearer to the relaxed ones than the unrelaxed cells' own."""
    true = relaxed.volumes_per_atom
    fitted = np.empty(len(relaxed))
    fold = np.arange(len(relaxed)) % _FOLDS
    for held_out in range(min(_FOLDS, len(relaxed))):
        rest = relaxed.take(fold != held_out) if len(relaxed) > 1 else relaxed
        fitted[fold == held_out] = fit_atomic_volumes(rest).per_atom(relaxed.take(fold == held_out))
    return _median_error(fitted, true) < _median_error(crystals.volumes_per_atom, true)


def _median_error(volumes: Floats, true: Floats) -> float:
    return float(np.median(np.abs(np.log(volumes / true))))
