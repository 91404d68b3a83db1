"""Levels from a table: one row per candidate, or per candidate and stage.

Columns: an id; a cell (``lattice``, ``species`` or ``numbers``, ``frac_coords``, or the three with ``_relaxed``);
``energy_per_atom_ev``; optionally ``failure``, ``core_minutes``, ``scheme``, and ``stage``, whose values are levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from aiida_mlhull.science.errors import InputError, MixedSchemesError, SettingsError, TableError, listed
from aiida_mlhull.science.reading.columns import ENERGY_COLUMNS, OTHER_KIND, Columns
from aiida_mlhull.science.reading.levels.level import Level, catch_unlabeled, failure_reason, stage_name
from aiida_mlhull.science.reading.sieve import BadRows, Sieve, catch_broken_cells, spread
from aiida_mlhull.science.reading.table_files import (
    FORMULA_COLUMNS,
    ID_COLUMNS,
    catch_stated,
    cell_columns,
    cells_of,
    formulas_of,
)
from aiida_mlhull.science.representations.composition import SYMBOLS
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.table import Booleans, Strings

STAGE_COLUMNS: Final = ("stage", "level")
FAILURE_COLUMN: Final = "failure"
COST_COLUMN: Final = "core_minutes"
SCHEME_COLUMN: Final = "scheme"
NUMBERS_COLUMN: Final = "numbers"
"""Atomic number of every site, instead of symbols."""


def read_level_table(path: Path, *, scheme: str, bad_rows: BadRows) -> list[Level]:
    """All levels of a table, in the order in which they come first.

    Raises:
        WireError: if the file can't be read or is empty.
        TableError: on missing columns, duplicate ids of one stage, and, unless they may be left out, rows that
            can't be used.
        CrystalError: on cells that are none, likewise.
        MixedSchemesError: if one level's energies are of several schemes.
    """
    columns = Columns.read(path)
    columns = replace(columns, table=_with_species(columns))
    present = [name for name in STAGE_COLUMNS if name in columns]
    if not present:
        return [_level(columns, name=stage_name(path.name.split(".")[0]), scheme=scheme, bad_rows=bad_rows)]
    stages = columns.texts(present[0])
    if (stages == "").any():
        raise TableError(f"{columns.name}: {int((stages == '').sum())} rows have no {present[0]}")
    return [
        _level(_rows(columns, stages == word), name=stage_name(word), scheme=scheme, bad_rows=bad_rows)
        for word in dict.fromkeys(stages.tolist())
    ]


def in_order(levels: Sequence[Level], names: Sequence[str]) -> tuple[list[Level], str]:
    """The levels of one table, cheapest first, and the words for it.

    Args:
        levels: as they stand in the table.
        names: stages in their order, as people say; empty if they don't.

    Raises:
        SettingsError: if a name is none of the levels'.
        InputError: if neither people nor costs tell the order.
    """
    if len(levels) == 1:
        return list(levels), ""
    by_name = {level.name: level for level in levels}
    if names:
        unknown = sorted(set(names) - set(by_name))
        if unknown:
            raise SettingsError(f"no level is called {listed(unknown)}; there are {listed(sorted(by_name))}")
        left = sorted(set(by_name) - set(names))
        return [by_name[name] for name in names], f"levels that are not used: {listed(left)}" if left else ""
    costs = {level.name: level.mean_cost() for level in levels}
    if not all(np.isfinite(cost) for cost in costs.values()):
        raise InputError(
            f"{levels[0].sieve.name} has the levels {listed(sorted(by_name))}, but no column {COST_COLUMN} that tells "
            f"their order: name them, cheapest first (--stages {','.join(sorted(by_name))})"
        )
    found = sorted(levels, key=lambda level: costs[level.name])
    shown = ", ".join(f"{level.name} ({costs[level.name]:.3g})" for level in found)
    return found, f"levels in the order of their mean cost, core-minutes: {shown}"


def _with_species(columns: Columns) -> pa.Table:
    """The table with symbols for atomic numbers, where it has only these.

    Raises:
        TableError: if the numbers are none.
    """
    table = columns.table
    species = cell_columns("")[1]
    if NUMBERS_COLUMN not in columns or any(cell_columns(end)[1] in columns for end in ("", "_relaxed")):
        return table
    try:
        lists = table[NUMBERS_COLUMN].combine_chunks().cast(pa.large_list(pa.int64()))
    except OTHER_KIND as error:
        raise TableError(f"{columns.name}: column {NUMBERS_COLUMN} should hold lists of numbers: {error}") from error
    flat = np.asarray(lists.flatten().fill_null(0))
    known = np.asarray(["X", *SYMBOLS])
    words = known[np.where((flat > 0) & (flat < len(known)), flat, 0)]
    ends = np.concatenate([[0], np.cumsum(np.asarray(lists.value_lengths().fill_null(0)))])
    column = pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), pa.array(words))
    return table.append_column(species, column)


def _rows(columns: Columns, mask: Booleans) -> Columns:
    return Columns(columns.name, columns.table.filter(pa.array(mask)))


def _level(columns: Columns, *, name: str, scheme: str, bad_rows: BadRows) -> Level:
    ids = columns.texts(columns.first_of(ID_COLUMNS, what="ids"))
    expendable = np.full(len(ids), bad_rows == "leave_out")
    stated = _texts(columns, next((one for one in FORMULA_COLUMNS if one in columns), ""))
    sieve = Sieve(f"{columns.name}, level {name}", ids, stated, expendable=expendable)
    energies, words = columns.numbers(columns.first_of(ENERGY_COLUMNS, what="energies"))
    not_numbers = np.isin(np.arange(len(ids)), list(words))
    sieve.catch(not_numbers, reason=Reason.NOT_A_NUMBER, what="text that is not an energy")
    failures = np.asarray([failure_reason(text) for text in _texts(columns, FAILURE_COLUMN).tolist()], dtype=np.str_)
    ending = "_relaxed" if cell_columns("_relaxed")[0] in columns else ""
    has_cell = columns.number_lists(columns.first_of([cell_columns(ending)[0]], what="cells")).lengths > 0
    catch_unlabeled(sieve, energies, failures, has_cell)
    if not has_cell.any():
        raise TableError(f"{sieve.name}: no row has a cell")
    sound = Sieve(sieve.name, ids[has_cell], stated[has_cell], expendable=expendable[has_cell])
    cells = cells_of(_rows(columns, has_cell), sound, ending)
    catch_broken_cells(sound, cells)
    catch_stated(sound, "the formula", stated[has_cell], formulas_of(cells, sound.good))
    broken = has_cell.copy()
    broken[has_cell] = ~sound.good
    sieve.let_go(broken, reason=Reason.BROKEN_LISTS)
    cost = columns.numbers(COST_COLUMN)[0] if COST_COLUMN in columns else np.full(len(ids), np.nan)
    sieve.catch(cost < 0, reason=Reason.NOT_A_NUMBER, what="negative costs")
    return Level(
        name=name,
        sieve=sieve,
        crystals=spread(cells, has_cell),
        has_cell=has_cell,
        energies=energies,
        failures=failures,
        core_minutes=cost,
        scheme=_scheme(columns, sieve.good & (failures == ""), what=sieve.name) or scheme,
    )


def _texts(columns: Columns, column: str) -> Strings:
    return columns.texts(column) if column in columns else np.full(len(columns), "")


def _scheme(columns: Columns, rows: Booleans, *, what: str) -> str:
    found = sorted(set(_texts(columns, SCHEME_COLUMN)[rows].tolist()) - {""})
    if len(found) > 1:
        raise MixedSchemesError(f"{what}: energies of several schemes: {listed(found)}")
    return found[0] if found else ""
