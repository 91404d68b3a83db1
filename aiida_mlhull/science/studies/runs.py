"""From the rows of a study to ensembles that are fitted and asked: one for every row, or for every size of a curve."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aiida_mlhull.science.ensembles import EnsembleSettings
from aiida_mlhull.science.ensembles.fit import member_seed
from aiida_mlhull.science.errors import UnknownNameError, did_you_mean
from aiida_mlhull.science.studies.settings import Size, Study, StudyRow, StudyTable

_DIGITS = 10


@dataclass(frozen=True, eq=False)
class StudyRun:
    """One ensemble, what it learns, and what it is asked.

    Attributes:
        study: name of the study.
        row: that it belongs to.
        table: of the row.
        size: ``quick`` or ``full``.
        seed: of the split and of the ensemble.
        learn: at most so many rows to learn from; all that are left if None.
        asked: at most so many rows to test on; all that were set aside if None.
        settings: of the ensemble; None for published weights.
        parent: whose ensemble the members begin with.
    """

    study: str
    row: StudyRow
    table: StudyTable
    size: Size
    seed: int
    learn: int | None
    asked: int | None
    settings: EnsembleSettings | None
    parent: StudyRun | None = None

    @property
    def name(self) -> str:
        """Of the row; for a learning curve with the number of rows."""
        return f"{self.row.name}@{self.learn}" if self.row.sizes else self.row.name

    @property
    def fit_seed(self) -> int:
        """The seed of the ensemble: the run's own, or for a curve one of each size, as learning curves take it."""
        return member_seed(self.seed, self.learn) if self.row.sizes and self.learn else self.seed

    @property
    def recipe(self) -> str:
        """A digest of everything that decides what comes out, but for the data."""
        table = self.table.model_dump(mode="json", include={"file", "kind", "measured_from"}, exclude_defaults=True)
        said: dict[str, Any] = {
            "table": {"kind": self.table.kind, **table},
            "row": self.row.model_dump(
                mode="json", include={"target", "unit", "classes", "weights", "by", "test_share", "cells"}
            ),
            **({} if self.row.only_above is None else {"only_above": self.row.only_above}),
            "ensemble": None if self.settings is None else self.settings.model_dump(mode="json"),
            "seeds": [self.seed, self.fit_seed],
            "rows": [self.learn, self.asked],
            "parent": None if self.parent is None else self.parent.recipe,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:_DIGITS]

    @property
    def label(self) -> str:
        """Of its nodes in the graph, the data's digest left out."""
        return f"{self.study}/{self.name}/{self.size}/seed{self.seed}/{self.recipe}"


def runs_of(study: Study, *, size: Size, seed: int = 0, only: Iterable[str] = ()) -> list[StudyRun]:
    """What has to be fitted and asked, parents before those that begin with them.

    Args:
        study: the study.
        size: how much of it.
        seed: of splits and ensembles.
        only: names of rows; all if there are none. Their parents come along.

    Raises:
        UnknownNameError: if there is no such row.
    """
    names = [row.name for row in study.rows]
    wanted = set()
    for name in only or names:
        if name not in names:
            raise UnknownNameError(f"{study.name} has no row {name!r}{did_you_mean(name, names)}")
        wanted |= set(_with_parents(study, name))
    made: dict[str, StudyRun] = {}
    for row in study.rows:
        if row.name in wanted:
            made |= {run.name: run for run in _runs(study, row, size=size, seed=seed, made=made)}
    return list(made.values())


def _with_parents(study: Study, name: str) -> Iterator[str]:
    while name:
        yield name
        name = study.row(name).parent


def _runs(study: Study, row: StudyRow, *, size: Size, seed: int, made: dict[str, StudyRun]) -> Iterator[StudyRun]:
    quick = size == "quick"
    sizes = (row.quick.sizes if quick and row.quick.sizes else row.sizes) or (
        (row.quick.learn or row.learn) if quick else row.learn,
    )
    for learn in sizes:
        yield StudyRun(
            study=study.name,
            row=row,
            table=study.table(row.table),
            size=size,
            seed=seed,
            learn=learn,
            asked=(row.quick.asked or row.asked) if quick else row.asked,
            settings=row.settings(size) if row.ensemble else None,
            parent=made[row.parent] if row.parent else None,
        )
