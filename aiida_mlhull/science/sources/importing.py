"""From a source to a table of candidates, with a count of everything that is not in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from aiida_mlhull.science.errors import InputError, WireError
from aiida_mlhull.science.representations.wyckoff import space_group_numbers
from aiida_mlhull.science.sources.base import ColumnKind, Portion, Source, without
from aiida_mlhull.science.tables.export import csv_columns, flat, with_beside
from aiida_mlhull.science.tables.writing import PARTIAL, WRITABLE
from aiida_mlhull.science.types.reasons import Reason

JOURNAL: Final = ".journal"
"""Suffix of the file beside the table that keeps what has come; deleted when the table is whole."""

MISSING: Final = ".missing.txt"
"""Suffix of the note beside a table that lacks entries which the source announced."""

EXAMPLES: Final = 3
LOWEST: Final = 1
"""Space group P1."""


@dataclass
class Imported:
    """What an import has come to so far.

    Attributes:
        used: rows of the table.
        left_out: rows that are not in it, by reason.
        examples: of every reason, the first ids with details.
        without_symmetry: rows of the table that are P1.
        unlabeled: rows of the table without a label.
        total: rows that the source has, as far as it says.
        columns: kept beside the cells.
        remarks: what is to be said of the source as a whole.
        missing: entries that the source announced but didn't send.
        skipped: pages that could not be had.
    """

    used: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    without_symmetry: int = 0
    unlabeled: int = 0
    total: int | None = None
    columns: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    missing: int = 0
    skipped: int = 0

    @property
    def read(self) -> int:
        """All rows that came."""
        return self.used + self.left_out.total()

    def count(self, portion: Portion) -> None:
        """Take a portion into account."""
        gone = portion.left_out
        self.left_out.update(gone.reasons.tolist())
        for name, reason, detail in zip(gone.ids.tolist(), gone.reasons.tolist(), gone.details.tolist(), strict=True):
            known = self.examples.setdefault(reason, [])
            if len(known) < EXAMPLES:
                known.append(f"{name} ({detail})" if detail else name)
        self.total = portion.total
        self.remarks += portion.remarks
        self.missing += portion.missing
        self.skipped += bool(portion.skipped)
        if portion.candidates is not None:
            labels = portion.candidates.protostructures
            self.used += len(labels)
            groups = space_group_numbers(labels)
            self.unlabeled += int((groups == 0).sum())
            self.without_symmetry += int((groups == LOWEST).sum())


def import_from(source: Source, path: Path, *, progress: Callable[[Imported], None] = lambda _: None) -> Imported:
    """Write all candidates of a source to a table.

    What is in memory at one time is a portion, and the ids. An interrupted import goes on where it stopped when
    it is called again.

    Args:
        source: see :data:`~aiida_mlhull.science.sources.SOURCES`.
        path: parquet or csv file; :func:`~aiida_mlhull.science.reading.read_candidates` reads it again.
        progress: told after every portion.

    Raises:
        WireError: if the table can't be written, or the source can't be reached or read.
        InputError: if nothing came, or nothing that can be used; the message says why.
    """
    if path.suffix not in WRITABLE:
        raise WireError(f"{path.name}: tables are written as {' or '.join(WRITABLE)}")
    if not path.absolute().parent.is_dir():
        raise WireError(f"there is no folder {path.absolute().parent}")
    journal, partial = (path.with_name(path.name + suffix) for suffix in (JOURNAL, PARTIAL))
    counts, seen = Imported(), set[str]()
    with _table(partial, path.suffix) as write:
        for portion in source.portions(journal):
            columns = source.columns(journal)
            beside = [] if portion.beside is None else portion.beside.column_names
            counts.columns = tuple(dict.fromkeys((*counts.columns, *columns, *beside)))
            new = _only_new(portion, seen)
            counts.count(new)
            if new.candidates is not None:
                write(_rows(new, columns, path.suffix))
            progress(counts)
    if not counts.used:
        partial.unlink(missing_ok=True)
        journal.unlink(missing_ok=True)
        raise InputError(f"{source.name}: {_why_nothing(counts)}")
    partial.replace(path)
    _note_missing(counts, path, source=source.name)
    journal.unlink(missing_ok=True)
    return counts


def _note_missing(counts: Imported, path: Path, *, source: str) -> None:
    """Mark a table that lacks entries by a file beside it."""
    note = path.with_name(path.name + MISSING)
    missing = counts.missing + counts.left_out[Reason.NOT_SENT]
    if missing or counts.skipped:
        note.write_text(
            f"{path.name} is a part: {source} announced {counts.total or 'more'} entries, "
            f"{missing} are missing; {counts.skipped} pages were skipped\n"
        )
    else:
        note.unlink(missing_ok=True)


def _why_nothing(counts: Imported) -> str:
    if not counts.read:
        return "nothing was found; does anything there match what was asked for?"
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts.left_out.most_common())
    return f"none of {counts.read} entries can be used: {reasons}"


def _only_new(portion: Portion, seen: set[str]) -> Portion:
    """The portion without ids that came before."""
    if portion.candidates is None:
        return portion
    ids = portion.candidates.ids.tolist()
    repeated = np.asarray([row for row, name in enumerate(ids) if name in seen], dtype=np.int64)
    seen.update(ids)
    return without(portion, repeated)


def _rows(portion: Portion, columns: dict[str, ColumnKind], suffix: str) -> pa.Table:
    """The portion's candidates, and what is kept beside them."""
    assert portion.candidates is not None
    rows = flat(portion.candidates) if suffix == ".parquet" else csv_columns(portion.candidates)
    for name, kind in columns.items():
        rows = rows.append_column(name, _column(portion.values[name], kind))
    return rows if portion.beside is None else with_beside(rows, portion.beside, as_text=suffix == ".csv")


def _column(values: Sequence[Any], kind: ColumnKind) -> pa.Array:
    if kind == "number":
        return pa.array([_number(value) for value in values], pa.float64())
    return pa.array([_text(value) for value in values], pa.string())


def _number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    except OverflowError:
        return None


def _text(value: Any) -> str | None:
    text = value if value is None or isinstance(value, str) else json.dumps(value, sort_keys=True)
    return None if text is None else text.encode(errors="replace").decode()


@contextmanager
def _table(path: Path, suffix: str) -> Iterator[Callable[[pa.Table], None]]:
    """Something to write rows with; the file is there once there are some."""
    writer: Any = None

    def write(rows: pa.Table) -> None:
        nonlocal writer
        if writer is None:
            parquet = suffix == ".parquet"
            writer = (
                pa.parquet.ParquetWriter(path, rows.schema, compression="zstd")
                if parquet
                else pa.csv.CSVWriter(path, rows.schema)
            )
        writer.write_table(rows)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()
