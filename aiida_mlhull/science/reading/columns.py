"""Parquet and csv files as columns of numpy arrays, without a Python object per row where it can be helped."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from aiida_mlhull.science.errors import TableError, WireError, listed
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Booleans, Strings

TABLE_SUFFIXES: Final = (".parquet", ".csv")
_CSV_BLOCK: Final = 1 << 26
"""Bytes; a row of a csv file has to fit in one block, and large cells make long rows."""

OTHER_KIND: Final = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError)
"""How Arrow says that values are not of the kind that was asked for."""


@dataclass(frozen=True)
class Columns:
    """A table as it stands in a file.

    Attributes:
        name: the file's name, for messages.
        table: all columns.
    """

    name: str
    table: pa.Table

    @classmethod
    def read(cls, path: Path) -> Columns:
        """Read a parquet or csv file.

        Text of a csv file stays text: the formula NaN is sodium nitride, and an id may be a number.

        Raises:
            WireError: if the file is missing, of another kind, truncated, or has no rows.
        """
        if path.suffix not in TABLE_SUFFIXES:
            raise WireError(f"{path.name}: not a table that can be read; known: {', '.join(TABLE_SUFFIXES)}")
        try:
            table = pa.parquet.read_table(path) if path.suffix == ".parquet" else _read_csv(path)
        except (OSError, UnicodeDecodeError, pa.ArrowInvalid, csv.Error) as error:
            raise WireError(f"{path.name}: can't be read as {path.suffix[1:]}: {error}") from error
        if table.num_rows == 0:
            raise WireError(f"{path.name}: no rows")
        return cls(path.name, table)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __contains__(self, column: str) -> bool:
        return column in self.table.column_names

    def first_of(self, names: Sequence[str], *, what: str) -> str:
        """The first of ``names`` that is here.

        Raises:
            TableError: if none is, naming the columns that are.
        """
        for name in names:
            if name in self:
                return name
        raise TableError(
            f"{self.name}: no column for {what} (one of {', '.join(names)}); "
            f"the file has: {listed(self.table.column_names, 30)}"
        )

    def texts(self, column: str) -> Strings:
        """(n,) strings, empty where missing."""
        values = self.table[column].to_pylist()
        return np.asarray(["" if value is None else str(value) for value in values], dtype=np.str_)

    def floats(self, column: str) -> Floats:
        """(n,) numbers, NaN where missing.

        Raises:
            TableError: if something else than a number is there.
        """
        values = self.table[column]
        try:
            if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
                trimmed = pa.compute.utf8_trim_whitespace(values)
                values = pa.compute.if_else(pa.compute.equal(trimmed, ""), None, trimmed)
            values = values.cast(pa.float64())
        except OTHER_KIND as error:
            raise TableError(f"{self.name}: column {column} should hold numbers: {error}") from error
        return np.asarray(values.combine_chunks().fill_null(float("nan")).to_numpy(zero_copy_only=False))

    def flags(self, column: str) -> Booleans:
        """(n,) truth values, false where missing.

        Raises:
            TableError: if something else is there.
        """
        try:
            values = self.table[column].cast(pa.bool_())
        except OTHER_KIND as error:
            raise TableError(f"{self.name}: column {column} should hold true or false: {error}") from error
        return np.asarray(values.combine_chunks().fill_null(False).to_numpy(zero_copy_only=False))  # noqa: FBT003

    def number_lists(self, column: str) -> tuple[Floats, Integers]:
        """Lists of numbers, one after the other, and (n,) their lengths, 0 where missing."""
        values, lengths = self._lists(column, pa.float64())
        return np.asarray(values.fill_null(float("nan")).to_numpy(zero_copy_only=False)), lengths

    def text_lists(self, column: str, translate: Callable[[str], int]) -> tuple[Integers, list[str], Integers]:
        """Lists of strings as codes, one after the other; all codes' strings; and (n,) the lists' lengths.

        Args:
            column: name of the column.
            translate: string to code; called once for every different string.
        """
        values, lengths = self._lists(column, pa.string())
        encoded = values.fill_null("").dictionary_encode()
        words = encoded.dictionary.to_pylist()
        codes = np.asarray([translate(word) for word in words], dtype=np.int64)
        return codes[np.asarray(encoded.indices)] if words else codes, words, lengths

    def _lists(self, column: str, kind: pa.DataType) -> tuple[pa.Array, Integers]:
        values = self.table[column].combine_chunks()
        try:
            if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
                values = pa.array([_parsed(text) for text in values.to_pylist()], type=pa.list_(kind))
            values = values.cast(pa.large_list(kind))
        except (*OTHER_KIND, json.JSONDecodeError) as error:
            raise TableError(f"{self.name}: column {column} should hold lists: {error}") from error
        lengths = values.value_lengths().fill_null(0)
        return values.flatten(), np.asarray(lengths, dtype=np.int64)


def _parsed(text: str | None) -> Any:
    """A list as it is written into a cell of a csv file: JSON, or Python's own way with single quotes."""
    return json.loads(text.replace("'", '"')) if text else None


def _read_csv(path: Path) -> pa.Table:
    """Every column as text first; numbers are read where numbers are asked for."""
    with path.open(newline="", encoding="utf-8-sig") as stream:
        header = next(csv.reader(stream), [])
    return pa.csv.read_csv(
        path,
        read_options=pa.csv.ReadOptions(block_size=_CSV_BLOCK),
        convert_options=pa.csv.ConvertOptions(
            column_types={name: pa.string() for name in header}, strings_can_be_null=False
        ),
    )
