"""A staged record: candidates, and what became of them at every level; missing rows are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aiida_mlhull.science.errors import InputError, TableError, listed
from aiida_mlhull.science.reading.candidates import AS_PUBLISHED, read_crystals
from aiida_mlhull.science.reading.columns import TABLE_SUFFIXES
from aiida_mlhull.science.reading.identifiers import numbered
from aiida_mlhull.science.reading.levels.level import Level, check_names, labels_of, renamed
from aiida_mlhull.science.reading.levels.level_runs import holds_runs, read_level_runs
from aiida_mlhull.science.reading.levels.level_structures import read_level_structures
from aiida_mlhull.science.reading.levels.level_tables import in_order, read_level_table
from aiida_mlhull.science.reading.sieve import BadRows
from aiida_mlhull.science.types import Candidates, Labels
from aiida_mlhull.science.types.table import Strings


@dataclass(frozen=True, eq=False)
class StagedRecord:
    """Results of k levels.

    Attributes:
        candidates: with their cells before the first level.
        levels: k tables in the order of the stages, cheapest first, each named after its stage. A candidate has a
            row of every level up to the last, or up to the one at which it failed.
        remarks: lines for people.
        bare: whether cells before the first level are unknown, and those after it stand for them.
    """

    candidates: Candidates
    levels: tuple[Labels, ...]
    remarks: tuple[str, ...] = ()
    bare: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the stages."""
        return tuple(level.stage for level in self.levels)


def read_staged(
    paths: Sequence[Path],
    *,
    candidates: Path | None = None,
    names: Sequence[str] = (),
    bad_rows: BadRows = "refuse",
    scheme: str = AS_PUBLISHED,
) -> StagedRecord:
    """Read a staged record from files and folders.

    Args:
        paths: one for every level, cheapest first, or a single table with a column ``stage``. Tables, extxyz,
            pymatgen's JSON, folders of VASP's calculations, folders of structures with a table of their energies.
        candidates: cells before the first level; None takes those after it instead.
        names: of the stages; files' names, or words of the column, if empty.
        bad_rows: whether rows that can't be used, and candidates that lack a row, are an error, or left out and named.
        scheme: of energies of which the source says nothing.

    Raises:
        WireError: if there is nothing that can be read.
        TableError: on missing columns, duplicate ids, and, unless they may be left out, bad and missing rows.
        CrystalError: on cells that are none, likewise.
        SettingsError: if names are wrong, or more or fewer than levels.
        InputError: if the order of the levels is not known, or nothing is left.
    """
    levels, remarks = read_levels(paths, names=names, bad_rows=bad_rows, scheme=scheme)
    if candidates is None:
        return assemble(levels, None, bad_rows=bad_rows, remarks=remarks)
    intake = read_crystals(candidates, bad_rows=bad_rows, scheme=scheme)
    ids, stem = intake.candidates.ids.tolist(), candidates.name.split(".")[0]
    by_number = ids == [numbered(stem, place, len(ids)) for place in range(1, len(ids) + 1)]
    return assemble(
        levels, intake.candidates, bad_rows=bad_rows, remarks=[intake.summary(), *remarks], by_number=by_number
    )


def read_levels(
    paths: Sequence[Path], *, names: Sequence[str] = (), bad_rows: BadRows = "refuse", scheme: str = AS_PUBLISHED
) -> tuple[list[Level], list[str]]:
    """Every level as its source holds it, in the order of the stages, and what is to be said; see :func:`read_staged`."""
    check_names(names)
    if len(paths) == 1 and paths[0].suffix.lower() in TABLE_SUFFIXES:
        ordered, said = in_order(read_level_table(paths[0], scheme=scheme, bad_rows=bad_rows), names)
        return ordered, [said] if said else []
    if names and len(names) != len(paths):
        raise InputError(f"{len(paths)} levels, but {len(names)} names for stages: {listed(names)}")
    levels = [read_level(path, scheme=scheme, bad_rows=bad_rows) for path in paths]
    called = list(names) or _different([level.name for level in levels])
    return [replace(level, name=name) for level, name in zip(levels, called, strict=True)], []


def read_level(path: Path, *, scheme: str = AS_PUBLISHED, bad_rows: BadRows = "refuse") -> Level:
    """Read one level from a file or folder; see :func:`read_staged`.

    Raises:
        InputError: if there is no such file or folder, or a table holds several levels.
    """
    if not path.exists():
        raise InputError(f"no such file or folder: {path}")
    if path.suffix.lower() in TABLE_SUFFIXES:
        found = read_level_table(path, scheme=scheme, bad_rows=bad_rows)
        if len(found) > 1:
            names = listed(level.name for level in found)
            raise InputError(f"{path.name} holds {len(found)} levels itself ({names}): give it alone")
        return found[0]
    if path.is_dir() and holds_runs(path):
        return read_level_runs(path, scheme=scheme, bad_rows=bad_rows)
    return read_level_structures(path, scheme=scheme, bad_rows=bad_rows)


def _different(names: Sequence[str]) -> list[str]:
    """Names as they are, or with their place behind them where two are the same."""
    if len(set(names)) == len(names):
        return list(names)
    return [f"{name}_{place}" for place, name in enumerate(names, start=1)]


def under_names(levels: Sequence[Level], stages: Sequence[str]) -> list[Level]:
    """The levels of these stages: those of their names, or where none has such a name, one after the other.

    Raises:
        InputError: if a stage has no level, or levels of other names are more or fewer.
    """
    by_name = {level.name: level for level in levels}
    if set(stages) <= set(by_name):
        return [by_name[name] for name in stages]
    if len(levels) != len(stages) or set(stages) & set(by_name):
        raise InputError(
            f"the stages that look results up are {listed(stages)}, the record's levels {listed(by_name)}: give one "
            f"level for each stage, in their order"
        )
    return [replace(level, name=name) for level, name in zip(levels, stages, strict=True)]


def assemble(
    levels: Sequence[Level],
    candidates: Candidates | None,
    *,
    bad_rows: BadRows = "refuse",
    remarks: Sequence[str] = (),
    by_number: bool = True,
) -> StagedRecord:
    """Bring levels and candidates together; see :func:`read_staged`.

    Args:
        levels: in the order of the stages.
        candidates: with cells; None takes those of the first level.
        bad_rows: see :func:`read_staged`.
        remarks: what was said while reading.
        by_number: whether the candidates' ids are running numbers, too, so that they may be told by their order.
    """
    said = list(remarks)
    if by_number and all(level.numbered for level in levels):
        levels, line = _by_number(levels, candidates)
        said.append(line)
    bare = candidates is None
    whole = _of_first(levels[0]) if candidates is None else candidates
    if bare:
        said.append(
            f"cells before level {levels[0].name} are not given: those after it stand for them, so models can't "
            f"decide before it"
        )
    tables = []
    for level in levels:
        table, more = labels_of(level, whole)
        tables.append(table)
        said += more
    gaps = missing_rows(whole.ids, tables)
    lacking = sorted({name for names in gaps.values() for name in names.tolist()})
    if lacking and bad_rows == "refuse":
        raise TableError(
            f"the record is not whole: {describe_gaps(gaps)}; leave these candidates out (bad_rows: leave_out), or "
            f"add the rows, a failure with its reason where there is no energy"
        )
    if lacking:
        said.append(f"{len(lacking)} candidates left out, whose record is not whole: {describe_gaps(gaps)}")
        whole = whole.without(lacking)
    if len(whole) < 2:  # noqa: PLR2004
        raise InputError(f"{len(whole)} candidates have a whole record; a campaign chooses among several")
    kept = tuple(table.take(np.isin(table.ids, whole.ids)) for table in tables)
    return StagedRecord(whole, kept, tuple(said), bare)


def missing_rows(ids: Strings, levels: Sequence[Labels]) -> dict[str, Strings]:
    """Candidates that have no row of a level although they came through all before it, by the stage's name."""
    alive, gaps = np.asarray(ids), {}
    for level in levels:
        here = level.has(alive)
        if not here.all():
            gaps[level.stage] = alive[~here]
        alive = alive[here & np.isin(alive, level.ids[level.succeeded])]
    return gaps


def describe_gaps(gaps: dict[str, Strings]) -> str:
    """Which rows are missing, in words."""
    return "; ".join(f"level {stage} has no row of {len(ids)}: {listed(ids)}" for stage, ids in gaps.items())


def _of_first(level: Level) -> Candidates:
    """Candidates with the cells that came out of the first level; those without one are left to the others."""
    rows = level.sieve.good & level.has_cell
    cells = level.crystals.take(rows)
    empty = np.full(len(cells), "")
    return Candidates.from_rows(
        ids=level.sieve.ids[rows],
        formulas=cells.reduced_formulas(),
        crystals=cells,
        protostructures=empty,
        origins=np.full(len(cells), level.sieve.name),
        source=level.sieve.name,
    )


def _by_number(levels: Sequence[Level], candidates: Candidates | None) -> tuple[list[Level], str]:
    """Levels whose rows go by their order, under the same ids.

    Raises:
        InputError: if they are not the same compounds in the same order.
    """
    ids = levels[0].sieve.ids if candidates is None else candidates.ids
    formulas = [np.asarray(level.crystals.reduced_formulas()) for level in levels]
    formulas += [] if candidates is None else [candidates.formulas]
    if any(len(one) != len(ids) or (one != formulas[0]).any() for one in formulas):
        raise InputError(
            "nothing names the candidates of the levels, and they are not the same compounds in the same order: give "
            "every structure an id (structure_id=... in the comment line of an extxyz frame)"
        )
    same = [renamed(level, ids) for level in levels]
    return same, f"no ids are given: candidates are told by the order of their structures ({len(ids)} in every level)"
