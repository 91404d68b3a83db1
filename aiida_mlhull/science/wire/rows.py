"""Some rows or columns of a large table, without decoding the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pyarrow.compute as pc

from aiida_mlhull.science.types import Table
from aiida_mlhull.science.types.crystals import Integers
from aiida_mlhull.science.types.table import Strings
from aiida_mlhull.science.wire.tables import decode_column, from_arrow, indices_of, texts_of, to_arrow

T = TypeVar("T", bound=Table)


def decode_row(noun: type[T], content: bytes, identifier: str, *, name: str = "table") -> T | None:
    """The row of one id, as a table of its own; None if it is not there.

    Where it is not, no other column than that of the ids is read. Arguments and errors are those of :func:`decode_rows`.
    """
    known, _ = to_arrow(noun, content, name, columns=["ids"])
    row = pc.index(known.column("ids"), texts_of([identifier])[0]).as_py()
    if row < 0:
        return None
    packed, properties = to_arrow(noun, content, name)
    return from_arrow(noun, packed.slice(row, 1), properties, name)


def decode_rows(noun: type[T], content: bytes, ids: Sequence[str] | Strings, *, name: str = "table") -> T:
    """The rows of those of ``ids`` that are there, as a table of their own.

    A table of 10,000 rows is searched in some milliseconds: ids are compared by Arrow, and only the rows
    that are found become Python objects.

    Args:
        noun: the kind of table that is expected.
        content: parquet bytes of :func:`~aiida_mlhull.science.wire.tables.encode_table`.
        ids: different ones, in any order.
        name: how to call the bytes in an error.

    Raises:
        WireError: if the bytes are not a table of this kind.
    """
    known, _ = to_arrow(noun, content, name, columns=["ids"])
    wanted = texts_of(np.asarray(ids, dtype=np.str_).tolist())
    rows = np.flatnonzero(decode_column(pc.is_in(known.column("ids"), value_set=wanted)))
    return take_rows(noun, content, rows, name=name)


def take_rows(noun: type[T], content: bytes, numbers: Sequence[int] | Integers, *, name: str = "table") -> T:
    """The rows with these numbers, sorted by id as always; the others never become Python objects.

    Arguments and errors are those of :func:`decode_rows`.
    """
    packed, properties = to_arrow(noun, content, name)
    return from_arrow(noun, packed.take(indices_of(np.sort(np.asarray(numbers, dtype=np.int64)))), properties, name)


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
    return {column: decode_column(packed.column(column)) for column in columns}
