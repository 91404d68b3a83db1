"""Tables of any property: a number or a class for every row, with the cell or with the composition alone.

Columns: the target; a formula (``formula``, ``reduced_formula``, ``composition``); optionally an id
(``structure_id``, ``id``, ``material_id``; row numbers where it is missing or not unique); optionally a cell
(``lattice``, ``species``, ``frac_coords``, or the three with ``_unrelaxed``). Compositions without cells can be
learned by models that read nothing else; they travel as placeholder cells, whose places mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import FormulaError, TableError
from aiida_mlhull.science.reading.columns import Columns
from aiida_mlhull.science.reading.sieve import BadRows, LeftOut, Sieve, catch_broken_cells
from aiida_mlhull.science.reading.table_files import (
    FORMULA_COLUMNS,
    ID_COLUMNS,
    catch_stated,
    cell_columns,
    cells_of,
    formulas_of,
    numbers_of,
)
from aiida_mlhull.science.representations.boxes import boxes
from aiida_mlhull.science.representations.composition import Composition, reduce_formula, stated_composition
from aiida_mlhull.science.types import Candidates, Crystals, Labels, TrainingRows
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.table import Strings

FORMULAS: Final = (*FORMULA_COLUMNS, "pretty_formula", "composition", "reduced_composition")
PLACEHOLDERS: Final = "compositions only; the cells are placeholders"
_MOST_CLASSES: Final = 100


@dataclass(frozen=True, eq=False)
class Properties:
    """What a table holds.

    Attributes:
        rows: cells (or placeholders), and the target as ``energies``, measured from zero baselines; of classes
            their numbers 0, 1, ...
        has_cells: whether the cells are real.
        target: name of the column.
        source: name of the file.
        left_out: rows that can't be used.
        classes: names of the classes in the order of their numbers; empty for numbers.
    """

    rows: TrainingRows
    has_cells: bool
    target: str
    source: str
    left_out: LeftOut
    classes: tuple[str, ...] = ()

    def summary(self) -> str:
        """One line for people."""
        values, left = self.rows.energies, f", {self.left_out.summary()}" if len(self.left_out) else ""
        span = f"with {self.target} from {values.min():.4g} to {values.max():.4g}"
        if self.classes:
            counts = np.bincount(values.astype(np.int64), minlength=len(self.classes)).tolist()
            pairs = zip(self.classes, counts, strict=True)
            span = f"of {self.target} " + ", ".join(f"{name} ({count:,})" for name, count in pairs)
        return (
            f"{self.source}: {len(values):,} rows{f' {span}' if self.target else ''}, "
            f"{len(np.unique(self.rows.formulas)):,} compositions, {'cells' if self.has_cells else 'no cells'}{left}"
        )

    def tables(self, *, unit: str = "", scheme: str = "") -> tuple[Candidates, Labels]:
        """Cells, and values as results that cost nothing, in the form that a fit takes.

        Args:
            unit: of the values.
            scheme: of the values, where they are energies that meet references; else the column's name stands for it.
        """
        rows, empty = self.rows, np.full(len(self.rows), "")
        cells = Candidates(
            ids=rows.ids,
            formulas=rows.formulas,
            crystals=rows.crystals,
            protostructures=empty,
            origins=empty,
            source=self.source if self.has_cells else f"{self.source}: {PLACEHOLDERS}",
        )
        labels = Labels(
            ids=rows.ids,
            formulas=rows.formulas,
            energies=rows.energies,
            crystals=rows.relaxed,
            failures=empty,
            core_minutes=np.zeros(len(rows)),
            stage="table",
            engine=self.source,
            scheme=scheme or (f"{self.target} ({unit})" if unit else self.target),
            cost_basis="nominal",
        )
        return cells, labels


def read_properties(
    path: Path, *, target: str | None, as_classes: bool = False, bad_rows: BadRows = "refuse"
) -> Properties:
    """Read a table to learn from, or to ask about.

    Args:
        path: parquet or csv file.
        target: column to learn; None where rows are only asked about, whose values are zeros then.
        as_classes: whether its values are names of classes (text, truth values, whole numbers) instead of numbers.
        bad_rows: whether rows that can't be used (no number, a formula that can't be read or is not the cell's, a
            broken cell) are an error, or left out and counted.

    Raises:
        WireError: if the file can't be read or is empty.
        TableError: if columns are missing; unless bad rows may be left out, if a target is missing or not finite;
            if there are fewer than two classes, or more than anybody tells apart.
        FormulaError: likewise, if a formula can't be read.
        CrystalError: likewise, on cells that candidates can't have; see
            :func:`~aiida_mlhull.science.reading.candidates.read_candidates`.
        InputError: if no row can be used.
    """
    columns = Columns.read(path)
    column = "" if target is None else columns.first_of((target,), what="the target")
    ids = _ids(columns)
    stated = _stated(columns)
    sieve = Sieve(columns.name, ids, stated, expendable=np.full(len(ids), bad_rows == "leave_out"))
    what = f"no finite {target}"
    classes: tuple[str, ...] = ()
    if target is None:
        values = np.zeros(len(ids))
    elif as_classes:
        values, classes = _classes(columns, column)
        sieve.catch(~np.isfinite(values), reason=Reason.NO_TARGET, what=what)
    else:
        values = numbers_of(columns, sieve, column, missing=Reason.NO_TARGET, what=what)
    suffix = next((end for end in ("", "_unrelaxed") if all(name in columns for name in cell_columns(end))), None)
    crystals = None if suffix is None else cells_of(columns, sieve, suffix)
    if crystals is not None:
        catch_broken_cells(sieve, crystals)
        catch_stated(sieve, "the formula", stated, formulas_of(crystals, sieve.good))
    compositions = _compositions(sieve, stated, crystals)
    left_out = sieve.left_out()
    kept = np.flatnonzero(sieve.good)
    cells = boxes([compositions[row] for row in kept]) if crystals is None else crystals.take(kept)
    rows = TrainingRows.from_rows(
        ids=ids[kept],
        formulas=[compositions[row].formula for row in kept],
        crystals=cells,
        baselines=np.zeros(len(kept)),
        energies=values[kept],
        relaxed=cells,
    )
    return Properties(rows, crystals is not None, target or "", columns.name, left_out, classes)


def _stated(columns: Columns) -> Strings:
    """(n,) formulas; empty where cells are there and none is stated.

    Raises:
        TableError: if there are neither formulas nor cells.
    """
    if any(all(name in columns for name in cell_columns(end)) for end in ("", "_unrelaxed")):
        present = [name for name in FORMULAS if name in columns]
        return columns.texts(present[0]) if present else np.full(len(columns), "")
    return columns.texts(columns.first_of(FORMULAS, what="formulas"))


def _classes(columns: Columns, column: str) -> tuple[Floats, tuple[str, ...]]:
    """(n,) the number of every row's class, NaN where it has none, and the classes in order: numbers by size."""
    texts = np.char.strip(columns.texts(column))
    names = sorted(set(texts.tolist()) - {""}, key=_in_order)
    if not 1 < len(names) <= _MOST_CLASSES:
        raise TableError(
            f"{columns.name}: column {column} has {len(names)} different values, which make no classes: two to "
            f"{_MOST_CLASSES} do (numbers are learned with --target)"
        )
    number = {name: float(index) for index, name in enumerate(names)}
    return np.asarray([number.get(text, np.nan) for text in texts.tolist()]), tuple(names)


def _in_order(name: str) -> tuple[float, str]:
    try:
        return float(name), name
    except ValueError:
        return np.inf, name


def _ids(columns: Columns) -> Strings:
    for name in ID_COLUMNS:
        if name in columns:
            ids = columns.texts(name)
            if (ids != "").all() and len(np.unique(ids)) == len(ids):
                return ids
    return np.asarray([f"row-{number:07d}" for number in range(len(columns))], dtype=np.str_)


def _compositions(sieve: Sieve, formulas: Strings, crystals: Crystals | None) -> list[Composition]:
    """Every row's formula read; those that can't be stop their rows, and stand for hydrogen."""
    read = stated_composition
    if crystals is not None:
        formulas, read = formulas_of(crystals, sieve.good), reduce_formula
    readable: dict[str, Composition | None] = {}
    why: dict[str, str] = {}
    for formula in set(formulas[sieve.good].tolist()):
        try:
            readable[formula] = read(formula)
        except FormulaError as error:
            readable[formula], why[formula] = None, str(error)
    compositions = [readable.get(formula) for formula in formulas.tolist()]
    sieve.catch(
        np.asarray([composition is None for composition in compositions]),
        reason=Reason.UNREADABLE_FORMULA,
        what="formulas that can't be read (sodium nitride, NaN, gets lost where tables pass through csv)",
        error=FormulaError,
        details=np.asarray([why.get(formula, repr(formula)) for formula in formulas.tolist()]),
    )
    return [composition or reduce_formula("H") for composition in compositions]
