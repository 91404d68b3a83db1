"""Parquet and csv files as columns of numpy arrays, without a Python object per row where it can be helped."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
ENERGY_COLUMNS: Final = ("energy_per_atom_ev", "energy_ev_per_atom")
"""Of candidates and of phases, the first of them that is there."""

_CSV_BLOCK: Final = 1 << 26
"""Bytes; a row of a csv file has to fit in one block, and large cells make long rows."""

MOST: Final = 1 << 53
"""Whole numbers up to here are floats as they are."""

MISSING: Final = ("", "-", "--", "?", ".", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "null", "none", "nil")
"""Words that tables write where there is no number, in small letters."""

_ITEM: Final = re.compile(r"[^\s,'\"]+")

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
            TableError: if several columns have one name.
        """
        names, parquet = names_in(path), path.suffix.lower() == ".parquet"
        with _readable(path):
            table = pa.parquet.read_table(path) if parquet else _read_csv(path, names)
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
            TableError: if something else than a number is there, naming the rows.
        """
        values, texts = self.numbers(column)
        if texts:
            shown = listed(f"row {row + 1} {text!r}" for row, text in texts.items())
            raise TableError(f"{self.name}: column {column} should hold numbers: {shown}")
        return values

    def numbers(self, column: str) -> tuple[Floats, dict[int, str]]:
        """(n,) numbers, NaN where there is none; and what else is there instead, by row.

        Raises:
            TableError: if the column is of a kind that holds no numbers, such as lists.
        """
        values = self.table[column]
        try:
            if not _is_text(values.type):
                # Arrow's own way from decimals to floats is off by the last bit
                plain = values.cast(pa.string()) if pa.types.is_decimal(values.type) else values
                return _filled(plain.cast(pa.float64())), {}
            values = pa.compute.utf8_trim_whitespace(values.cast(pa.string()))
            missing = pa.compute.is_in(pa.compute.utf8_lower(values), value_set=pa.array(MISSING))
            values = pa.compute.if_else(missing, None, values)
        except OTHER_KIND as error:
            raise TableError(f"{self.name}: column {column} should hold numbers: {error}") from error
        try:
            return _filled(values.cast(pa.float64())), {}
        except OTHER_KIND:
            return _parsed_one_by_one(values.to_pylist())

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

    def number_lists(self, column: str) -> Lists:
        """Lists of numbers, or of lists of three."""
        values, lengths, broken = self._lists(column, pa.float64())
        return Lists(np.asarray(values.fill_null(float("nan")).to_numpy(zero_copy_only=False)), lengths, broken)

    def text_lists(self, column: str, translate: Callable[[str], int]) -> tuple[Lists, list[str]]:
        """Lists of strings as codes, and all strings.

        Args:
            column: name of the column.
            translate: string to code; called once for every different string.
        """
        values, lengths, broken = self._lists(column, pa.string())
        encoded = values.fill_null("").dictionary_encode()
        words = encoded.dictionary.to_pylist()
        codes = np.asarray([translate(word) for word in words], dtype=np.int64)
        return Lists(codes[np.asarray(encoded.indices)] if words else codes, lengths, broken), words

    def _lists(self, column: str, kind: pa.DataType) -> tuple[pa.Array, Integers, Booleans]:
        values = self.table[column].combine_chunks()
        broken = np.zeros(len(values), dtype=bool)
        try:
            if _is_text(values.type):
                parsed = [list_in(text, numbers=kind == pa.float64()) for text in values.to_pylist()]
                broken = np.asarray([items is None for items in parsed])
                values = pa.array(parsed, type=pa.list_(kind))
            elif _is_list(values.type) and _is_list(values.type.value_type):
                values = values.cast(pa.large_list(pa.large_list(kind)))
                threes = pa.compute.fill_null(values.flatten().value_lengths(), 0)
                outer = np.asarray(values.value_lengths().fill_null(0), dtype=np.int64)
                row = np.repeat(np.arange(len(values)), outer)
                broken = np.bincount(row[np.asarray(threes) != 3], minlength=len(values)) > 0  # noqa: PLR2004
                lengths = np.bincount(row, weights=np.asarray(threes), minlength=len(values)).astype(np.int64)
                return values.flatten().flatten(), lengths, broken
            values = values.cast(pa.large_list(kind))
        except OTHER_KIND as error:
            raise TableError(f"{self.name}: column {column} should hold lists: {error}") from error
        lengths = values.value_lengths().fill_null(0)
        return values.flatten(), np.asarray(lengths, dtype=np.int64), broken


@dataclass(frozen=True, eq=False)
class Lists:
    """A column of lists.

    Attributes:
        values: all lists, one after the other.
        lengths: (n,) of every row's list, 0 where missing.
        broken: (n,) rows whose text is not a list, or whose lists in the list don't hold three.
    """

    values: Any
    lengths: Integers
    broken: Booleans


def list_in(text: str | None, *, numbers: bool) -> list[Any] | None:
    """A list as it is written into a cell of a csv file: JSON, or as Python and numpy print it.

    Args:
        text: of the cell.
        numbers: whether numbers are wanted, else words.

    Returns:
        Its items, those of lists of three one after the other; None if it is not a list.
    """
    if not text or not text.strip():
        return []
    try:
        loaded = json.loads(text.replace("'", '"'))
    except (ValueError, RecursionError):
        loaded = _printed(text)
    if isinstance(loaded, list) and loaded and all(isinstance(item, list) and len(item) == 3 for item in loaded):  # noqa: PLR2004
        loaded = [item for three in loaded for item in three]
    if not isinstance(loaded, list):
        return None
    if numbers:
        if all(type(item) is float or (type(item) is int and abs(item) < MOST) for item in loaded):
            return loaded
        parsed = [_number(item) for item in loaded]
        return None if any(item is None for item in parsed) else parsed
    return loaded if all(isinstance(item, str) for item in loaded) else None


def _printed(text: str) -> list[Any] | None:
    """Items of an array as numpy prints it; None if some were left out, or its brackets don't make one."""
    inner = re.fullmatch(r"\s*(?:array\()?\s*\[(.*)\]\s*(?:,\s*dtype=[\w.'\"<]+\s*)?\)?\s*", text, re.DOTALL)
    if inner is None or "..." in text:
        return None
    rows = re.findall(r"\[([^\[\]]*)\]", inner[1])
    if not rows:
        return None if "[" in inner[1] or "]" in inner[1] else _ITEM.findall(inner[1])
    return [_ITEM.findall(row) for row in rows] if not re.sub(r"\[[^\[\]]*\]|[\s,]", "", inner[1]) else None


def _number(item: Any) -> float | None:
    if item is None:
        return float("nan")
    if isinstance(item, bool) or not isinstance(item, int | float | str):
        return None
    try:
        return float(item)
    except (ValueError, OverflowError):
        return None


def _parsed_one_by_one(texts: Sequence[str | None]) -> tuple[Floats, dict[int, str]]:
    """Numbers of a column in which not every text is one."""
    values, others = np.full(len(texts), np.nan), {}
    for row, text in enumerate(texts):
        number = _number(text) if text is not None and "_" not in text else None
        if number is not None:
            values[row] = number
        elif text is not None:
            others[row] = text
    return values, others


def _filled(values: pa.ChunkedArray) -> Floats:
    return np.asarray(values.combine_chunks().fill_null(float("nan")).to_numpy(zero_copy_only=False))


def _is_text(kind: pa.DataType) -> bool:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(plain) or pa.types.is_large_string(plain))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def schema_of(path: Path) -> pa.Schema:
    """Names and kinds of a table's columns, without reading it; nothing where it can't be read."""
    try:
        if path.suffix.lower() == ".parquet":
            return pa.parquet.read_schema(path).remove_metadata()
        return pa.schema([(name, pa.string()) for name in _header(path)])
    except (OSError, ValueError, pa.ArrowException, csv.Error):
        return pa.schema([])


def _check_names(name: str, columns: Sequence[str]) -> None:
    repeated = sorted(column for column, count in Counter(columns).items() if count > 1)
    mark = re.search("[;\t]", columns[0]) if len(columns) == 1 else None
    if mark:
        raise TableError(f"{name}: columns are separated by {mark[0]!r}: write commas")
    if repeated:
        raise TableError(f"{name}: several columns of one name: {listed(map(repr, repeated))}")


def names_in(path: Path) -> list[str]:
    """The names of a file's columns, without reading the rest.

    Raises:
        WireError: if the file is missing, of another kind, or truncated.
        TableError: if several columns have one name.
    """
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise WireError(f"{path.name}: not a table that can be read; known: {', '.join(TABLE_SUFFIXES)}")
    with _readable(path):
        names = pa.parquet.read_schema(path).names if suffix == ".parquet" else _header(path)
    _check_names(path.name, names)
    return list(names)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say of every fault of a file that the file can't be read."""
    try:
        yield
    except (OSError, ValueError, pa.ArrowException, csv.Error) as error:
        raise WireError(f"{path.name}: can't be read as {path.suffix.lower()[1:]}: {error}") from error


def _header(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        return next(csv.reader(stream), [])


def _read_csv(path: Path, names: Sequence[str]) -> pa.Table:
    """Every column as text first; numbers are read where numbers are asked for."""
    return pa.csv.read_csv(
        path,
        read_options=pa.csv.ReadOptions(block_size=_CSV_BLOCK),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
