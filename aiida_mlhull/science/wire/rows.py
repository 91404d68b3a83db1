"""Some rows or columns of a large table, without decoding the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aiida_mlhull.science.errors import listed
from aiida_mlhull.science.types import Table
from aiida_mlhull.science.types.crystals import Integers
from aiida_mlhull.science.types.table import Strings
from aiida_mlhull.science.wire.foreign import check_kind, told_apart
from aiida_mlhull.science.wire.tables import decode_column, from_arrow, indices_of, opened, texts_of, to_arrow

T = TypeVar("T", bound=Table)

IDS: Final = 0
"""Place of the ids among the columns: the first field of every table."""


def decode_row(noun: type[T], content: bytes, identifier: str, *, name: str = "table") -> T | None:
    """The row of one id, as a table of its own; None if it is not there.

    Arguments and errors are those of :func:`decode_rows`.
    """
    found = decode_rows(noun, content, [identifier], name=name)
    return found if len(found) else None


def decode_rows(noun: type[T], content: bytes, ids: Sequence[str] | Strings, *, name: str = "table") -> T:
    """The rows of those of ``ids`` that are there, as a table of their own.

    Only row groups are read whose first and last id leave room for one of these; of those without one, no other column
    than that of the ids. Ids are compared by Arrow, and only the rows that are found become Python objects.

    Args:
        noun: the kind of table that is expected.
        content: parquet bytes of :func:`~aiida_mlhull.science.wire.tables.encode_table`.
        ids: different ones, in any order.
        name: how to call the bytes in an error.

    Raises:
        WireError: if the bytes are not a table of this kind.
    """
    wanted = np.sort(np.asarray(ids, dtype=np.str_))
    with opened(noun, content, name) as (file, properties):
        packed = _taken(file, _where(file, wanted))
    return from_arrow(noun, packed, properties, name)


def _where(file: pq.ParquetFile, wanted: Strings) -> Iterator[tuple[int, Integers]]:
    """Row groups that may hold some sorted ids, and which of their rows do."""
    texts = texts_of(wanted.tolist())
    for group in range(file.num_row_groups):
        ends = file.metadata.row_group(group).column(IDS).statistics
        if ends is not None and ends.has_min_max:
            first, last = np.searchsorted(wanted, ends.min), np.searchsorted(wanted, ends.max, side="right")
            if first == last:
                continue
        known = file.read_row_group(group, columns=["ids"]).column("ids")
        yield group, np.flatnonzero(decode_column(pc.is_in(known, value_set=texts)))


def _taken(file: pq.ParquetFile, found: Iterable[tuple[int, Integers]]) -> pa.Table:
    """Rows of row groups, one group in memory at a time."""
    parts = [file.read_row_group(group).take(indices_of(rows)) for group, rows in found if len(rows)]
    return pa.concat_tables(parts) if parts else file.read_row_groups([])


def take_rows(noun: type[T], content: bytes, numbers: Sequence[int] | Integers, *, name: str = "table") -> T:
    """The rows with these numbers, sorted by id as always; the others never become Python objects.

    Arguments and errors are those of :func:`decode_rows`.

    Raises:
        IndexError: if there is no row of such a number.
    """
    rows = np.sort(np.asarray(numbers, dtype=np.int64))
    with opened(noun, content, name) as (file, properties):
        if len(rows) and not 0 <= rows[0] <= rows[-1] < file.metadata.num_rows:
            raise IndexError(f"{name} has rows 0 to {file.metadata.num_rows - 1}, not all of {listed(rows.tolist())}")
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        ends = np.cumsum([0, *sizes])
        inside = np.split(rows, np.searchsorted(rows, ends[1:-1]))
        packed = _taken(file, ((group, mine - ends[group]) for group, mine in enumerate(inside)))
    return from_arrow(noun, packed, properties, name)


def decode_columns(
    noun: type[Table], content: bytes, columns: Sequence[str], *, name: str = "table"
) -> dict[str, np.ndarray]:
    """Some columns of a table, by name; the others are not read.

    Args:
        noun: the kind of table that is expected.
        content: parquet bytes of :func:`~aiida_mlhull.science.wire.tables.encode_table`.
        columns: names of fields that are arrays.
        name: how to call the bytes in an error.

    Raises:
        WireError: if the bytes are not a table of this kind, or it lacks a column.
    """
    packed, _ = to_arrow(noun, content, name, columns=columns)
    kinds = {field.name: field for field in fields(noun)}
    with told_apart(name, f"a table of {noun.__name__}"):
        found = {column: decode_column(packed.column(column)) for column in columns}
        for column, values in found.items():
            check_kind(kinds[column], values, name)
        return found
