"""What one member learns from and what it is validated on: all cells of a candidate on one side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from aiida_mlhull.science.ensembles.preparation import Preparation, seen
from aiida_mlhull.science.ensembles.settings import EnsembleSettings, View
from aiida_mlhull.science.ensembles.steps import Steps
from aiida_mlhull.science.errors import TooFewLabelsError
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Crystals, ModelRows, TrainingRows, concatenate
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.tables import Strings

MINIMUM_VALIDATION: Final = 4


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """What one member learns from.

    Attributes:
        rows: cells, several of one candidate where not only those are learned from that will be asked about.
        targets: (n,), eV/atom, energy minus baseline.
        train: row numbers to learn from; a row that counts twice as much stands there twice.
        validation: row numbers to stop and to score by.
        held_out: ids of these.
    """

    rows: ModelRows
    targets: Floats
    train: Integers
    validation: Integers
    held_out: Strings


def training_set(
    training: TrainingRows,
    settings: EnsembleSettings,
    preparation: Preparation,
    *,
    seed: int,
    view: View | None = None,
    steps: Steps | None = None,
) -> TrainingSet:
    """The cells to learn from, and which of them; ``view`` is what the member sees of the stage before, all if None.

    Validation is on the cells that will be asked about; all cells of one candidate are on one side.
    """
    targets = training.energies - training.baselines
    learned, held_out = split_own(training, settings, seed=seed)
    weights = np.where(training.own, settings.own_weight, 1)
    names = training.ids[held_out]
    asked, others = _cells(training, settings, preparation, view=view or View(), steps=steps)
    if not others:
        return TrainingSet(asked, targets, np.repeat(learned, weights[learned]), held_out, names)
    cell = "relaxed" if settings.cells == "relaxed" else "unrelaxed"
    shown = [
        _Shown(np.char.add(training.ids, f" {cell}"), np.arange(len(training)), asked.crystals, asked.protostructures),
        *others,
    ]
    rows = concatenate([one.of(asked) for one in shown])
    places = [rows.positions(one.ids) for one in shown]
    labels = np.empty(len(rows))
    for one, place in zip(shown, places, strict=True):
        labels[place] = targets[one.owners]
    train = []
    for one, place in zip(shown, places, strict=True):
        taught = np.isin(one.owners, learned)
        train.append(np.repeat(place[taught], weights[one.owners[taught]]))
    return TrainingSet(rows, labels, np.sort(np.concatenate(train)), places[0][held_out], names)


@dataclass(frozen=True, eq=False)
class _Shown:
    """Cells of candidates.

    Attributes:
        ids: (n,) of their own.
        owners: (n,) row numbers of the candidates.
        crystals: n cells.
        labels: (n,) protostructure labels; those of ``crystals`` if None.
    """

    ids: Strings
    owners: Integers
    crystals: Crystals
    labels: Strings | None = None

    def of(self, asked: ModelRows) -> ModelRows:
        """The same candidates with these cells; whatever else is known of them stays."""
        told, before, labels = asked.stage_energies, asked.unrelaxed, self.labels
        if labels is None and asked.protostructures is not None:
            labels = protostructures(self.crystals)
        return ModelRows.from_rows(
            ids=self.ids,
            formulas=asked.formulas[self.owners],
            crystals=self.crystals,
            baselines=asked.baselines[self.owners],
            stage_energies=None if told is None else told[self.owners],
            unrelaxed=None if before is None else before.take(self.owners),
            protostructures=labels,
        )


def _cells(
    training: TrainingRows, settings: EnsembleSettings, preparation: Preparation, *, view: View, steps: Steps | None
) -> tuple[ModelRows, list[_Shown]]:
    """What will be asked about, and the other cells that are learned from."""
    given = ModelRows(
        ids=training.ids,
        formulas=training.formulas,
        crystals=training.crystals,
        baselines=training.baselines,
        stage_energies=training.stage_energies,
        unrelaxed=training.unrelaxed,
        protostructures=training.protostructures,
    )
    others = []
    if settings.cells == "both":
        others.append(_Shown(np.char.add(training.ids, " relaxed"), np.arange(len(training)), training.relaxed))
    if steps is not None:
        cells = _Shown(steps.ids, training.positions(steps.candidates), steps.crystals)
        # Brought to the volumes of the cells that will be asked about: no prediction is ever made elsewhere.
        others.append(replace(cells, crystals=preparation(cells.of(given)).crystals))
    asked = preparation(given)
    asked = seen(asked, view)
    if settings.cells != "relaxed":
        return asked, others
    labels = None if asked.protostructures is None else protostructures(training.relaxed)
    return replace(asked, crystals=training.relaxed, protostructures=labels), others


def split_own(training: TrainingRows, settings: EnsembleSettings, *, seed: int) -> tuple[Integers, Integers]:
    """The same as :func:`split`, where rows of earlier campaigns are all learned from: σ is that of the others."""
    if training.warm is None:
        return split(training, settings, seed=seed)
    own = np.flatnonzero(training.own)
    learned, held_out = split(training.take(own), settings, seed=seed)
    return np.sort(np.concatenate([own[learned], np.flatnonzero(training.warm)])), own[held_out]


def split(training: TrainingRows, settings: EnsembleSettings, *, seed: int) -> tuple[Integers, Integers]:
    """Row numbers to learn from and to validate on, drawn by ``seed``.

    Where relaxed cells are judged, rows that relaxed to the same energy (to 1 meV/atom) at the same
    formula are one crystal and stay on one side: a copy among the training rows would not be a test.
    Classes are split each for itself.
    """
    n = len(training)
    if settings.validation_fraction == 0:
        return np.arange(n), np.arange(0)
    rng = np.random.default_rng([seed, n])
    if settings.classes:
        return _split_classes(training.energies - training.baselines, settings, rng)
    groups = _same_relaxed(training) if settings.cells == "relaxed" else np.arange(n)
    order = rng.permutation(groups.max() + 1)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    by_draw = np.argsort(rank[groups], kind="stable")
    size = validation_size(n, settings)
    last_group = groups[by_draw[size - 1]]
    while size < n and groups[by_draw[size]] == last_group:
        size += 1
    return np.sort(by_draw[size:]), np.sort(by_draw[:size])


def _split_classes(targets: Floats, settings: EnsembleSettings, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """The same share of every class on either side, so that a rare one is on both.

    Raises:
        TooFewLabelsError: if a class has fewer than two rows.
    """
    aside = []
    for number, name in enumerate(settings.classes):
        rows = rng.permutation(np.flatnonzero(targets == number))
        if len(rows) < 2:  # noqa: PLR2004
            raise TooFewLabelsError(f"class {name} has {len(rows)} rows; it needs one to learn from and one to stop by")
        aside.append(rows[: max(1, round(settings.validation_fraction * len(rows)))])
    validation = np.sort(np.concatenate(aside))
    return np.setdiff1d(np.arange(len(targets)), validation), validation


def validation_size(n: int, settings: EnsembleSettings) -> int:
    """How many of ``n`` labels a member is validated on."""
    if settings.validation_fraction == 0:
        return 0
    return max(MINIMUM_VALIDATION, round(settings.validation_fraction * n))


def _same_relaxed(training: TrainingRows) -> Integers:
    keys = [f"{f} {round(e * 1000)}" for f, e in zip(training.formulas, training.energies, strict=True)]
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)
