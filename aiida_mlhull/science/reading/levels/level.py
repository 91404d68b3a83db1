"""One level of a staged record: what a source says of every candidate after one relaxation stage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import SettingsError, TableError, listed
from aiida_mlhull.science.reading.sieve import Sieve
from aiida_mlhull.science.types import Candidates, Crystals, Labels, first_of_each
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.reasons import Reason, Stated, is_stated, with_detail
from aiida_mlhull.science.types.table import Booleans, Strings

STAGE_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, eq=False, kw_only=True)
class Level:
    """What a source says, n rows.

    Attributes:
        name: of the stage.
        sieve: ids of the rows, and which of them can be used.
        crystals: n cells after the stage; anything at all where ``has_cell`` is false.
        has_cell: (n,) false where the source has none, as of relaxations that failed.
        energies: (n,) eV/atom; NaN where there is none.
        failures: (n,) why there is none, a reason that engines state; empty where it went well.
        core_minutes: (n,) cost; NaN where the source doesn't say.
        scheme: of the energies.
        numbered: whether the ids are running numbers, because the source names no ids.
        remarks: what is to be said of the source.
    """

    name: str
    sieve: Sieve
    crystals: Crystals
    has_cell: Booleans
    energies: Floats
    failures: Strings
    core_minutes: Floats
    scheme: str
    numbered: bool = False
    remarks: tuple[str, ...] = ()

    def mean_cost(self) -> float:
        """Core-minutes of a row; NaN where no row has a cost."""
        known = self.core_minutes[np.isfinite(self.core_minutes)]
        return float(known.mean()) if len(known) else float("nan")


def level_of_labels(tables: Sequence[Labels], *, name: str, source: str) -> Level:
    """Tables of results as a level; of a candidate in several of them the first counts.

    Args:
        tables: one at least, of one scheme.
        name: of the stage.
        source: where they are from, for messages.
    """
    whole = first_of_each(tables)
    everything = np.ones(len(whole), dtype=bool)
    return Level(
        name=name,
        sieve=Sieve(f"{source}, stage {name}", whole.ids, whole.formulas, expendable=everything),
        crystals=whole.crystals,
        has_cell=everything,
        energies=whole.energies,
        failures=whole.failures,
        core_minutes=whole.core_minutes if whole.cost_basis == "measured" else np.full(len(whole), np.nan),
        scheme=whole.scheme,
    )


def stage_name(text: str) -> str:
    """A file's or column's word as the name of a stage: small letters, digits and underscores."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return plain if STAGE_NAME.fullmatch(plain) else f"level_{plain}".rstrip("_")


def check_names(names: Sequence[str]) -> None:
    """Refuse names that stages can't have.

    Raises:
        SettingsError: naming them.
    """
    wrong = [name for name in names if not STAGE_NAME.fullmatch(name)]
    if wrong or len(set(names)) < len(names):
        raise SettingsError(
            f"stages need different names of small letters, digits and underscores, not {listed(names)}"
        )


def failure_reason(text: str) -> str:
    """Why a relaxation failed: a reason of the list as it stands, other words behind ``engine_error``."""
    plain = " ".join(text.split())
    return plain if not plain or is_stated(plain, Stated.RELAXATION) else with_detail(Reason.ENGINE_ERROR, plain)


def catch_unlabeled(sieve: Sieve, energies: Floats, failures: Strings, has_cell: Booleans) -> None:
    """Stop rows that are neither a result with its cell nor a failure.

    Raises:
        TableError: if such rows may not be left out.
    """
    failed = failures != ""
    what = "neither an energy nor a reason of failure"
    sieve.catch(~failed & ~np.isfinite(energies), reason=Reason.NO_ENERGY, what=what)
    sieve.catch(~failed & ~has_cell, reason=Reason.NO_CELL, what="an energy without the cell that it belongs to")


def labels_of(level: Level, candidates: Candidates) -> tuple[Labels, tuple[str, ...]]:
    """A level's rows as results of the candidates, and what is to be said of them.

    A failed row without a cell gets the candidate's. Rows without a cost get the mean of the others.

    Args:
        level: as it was read.
        candidates: with cells; rows of others are left out and counted.

    Raises:
        TableError: if nothing is left, or rows are of other compounds than the candidates of their ids.
    """
    ids, good = level.sieve.ids, level.sieve.good
    known = candidates.has(ids)
    rows = np.flatnonzero(good & known)
    if not len(rows):
        raise TableError(
            f"{level.sieve.name}: no row of level {level.name} is a result of a candidate: its ids are "
            f"{listed(ids.tolist(), 3)}, the candidates' {listed(candidates.ids.tolist(), 3)}"
        )
    remarks = list(level.remarks)
    if int((~known).sum()):
        remarks.append(f"level {level.name}: {int((~known).sum())} rows of no candidate: {listed(ids[~known])}")
    owners = candidates.positions(ids[rows])
    cost, said = _costs(level, rows)
    labels = Labels.from_rows(
        ids=ids[rows],
        formulas=candidates.formulas[owners],
        energies=np.where(level.failures[rows] == "", level.energies[rows], np.nan),
        crystals=_cells(level, rows, candidates, owners),
        failures=level.failures[rows],
        core_minutes=cost,
        stage=level.name,
        engine="recorded",
        scheme=level.scheme,
        cost_basis="measured" if np.isfinite(level.core_minutes[rows]).any() else "nominal",
    )
    _check_compounds(labels, level)
    return labels, (*remarks, *said)


def _costs(level: Level, rows: Integers) -> tuple[Floats, tuple[str, ...]]:
    cost = level.core_minutes[rows]
    unknown = ~np.isfinite(cost)
    if unknown.all():
        return np.zeros(len(rows)), ()
    if not unknown.any():
        return cost, ()
    said = f"level {level.name}: {int(unknown.sum())} rows without a cost count as the mean of the others"
    return np.where(unknown, cost[~unknown].mean(), cost), (said,)


def _cells(level: Level, rows: Integers, candidates: Candidates, owners: Integers) -> Crystals:
    """Cells after the stage; the candidate's where a row has none."""
    assert candidates.crystals is not None
    both = Crystals.concatenate([level.crystals, candidates.crystals])
    return both.take(np.where(level.has_cell[rows], rows, len(level.crystals) + owners))


def _check_compounds(labels: Labels, level: Level) -> None:
    """Refuse cells of another composition than the candidate's.

    Raises:
        TableError: naming them.
    """
    found = np.asarray(labels.crystals.reduced_formulas(), dtype=np.str_)
    other = found != labels.formulas
    if other.any():
        pairs = zip(labels.ids[other], found[other], labels.formulas[other], strict=True)
        shown = listed(f"{name} ({there}, the candidate is {here})" for name, there, here in pairs)
        raise TableError(
            f"{level.sieve.name}: {int(other.sum())} rows of level {level.name} are other compounds: {shown}"
        )


def renamed(level: Level, ids: Strings) -> Level:
    """The same rows under other ids."""
    sieve = Sieve(level.sieve.name, ids, np.full(len(ids), ""), expendable=np.ones(len(ids), dtype=bool))
    sieve.let_go(~level.sieve.good, reason=Reason.UNREADABLE)
    return replace(level, sieve=sieve)
