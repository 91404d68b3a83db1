"""What all tables are: rows with unique ids, sorted, that are chosen, looked up and joined together.

Every noun is a frozen dataclass. Fields whose type is an array (or :class:`Crystals`) are columns
with one row per id; the others are properties of the whole table. :mod:`aiida_mlhull.science.wire`
turns any of them into parquet and back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from html import escape
from typing import Any, ClassVar, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.errors import TableError, listed
from aiida_mlhull.science.types.crystals import Crystals, Integers

Strings = NDArray[np.str_]
Booleans = NDArray[np.bool_]
T = TypeVar("T", bound="Table")
ROWS_SHOWN: Final = 10
"""In notebooks."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Table:
    """Rows with unique ids in ascending order.

    Attributes:
        ids: (n,), unique, sorted by code point.
        formulas: (n,), reduced formulas.
        fillable: names of optional columns that some of the tables which are joined may lack.
    """

    fillable: ClassVar[frozenset[str]] = frozenset()

    ids: Strings
    formulas: Strings

    def __post_init__(self) -> None:
        """Check lengths, order and uniqueness, then what the subclass asks for.

        Raises:
            TableError: if the table is not one.
        """
        n = len(self.ids)
        uneven = [name for name, column in self.columns() if len(column) != n]
        if uneven:
            raise TableError(f"columns of another length than ids ({n}): {', '.join(uneven)}")
        repeated = self.ids[1:][self.ids[1:] == self.ids[:-1]]
        if len(repeated):
            raise TableError(f"duplicate ids: {listed(sorted(set(repeated.tolist())))}")
        if n > 1 and bool((self.ids[1:] < self.ids[:-1]).any()):
            raise TableError("rows must be sorted by id; build the table with from_rows()")
        self.check()

    def check(self) -> None:
        """Hook for what a subclass demands of its columns."""

    @classmethod
    def from_rows(cls: type[T], **values: Any) -> T:
        """Build the table from columns in any order: they are made arrays and sorted by id together."""
        ids = np.asarray(values["ids"], dtype=np.str_)
        order = np.argsort(ids, kind="stable")
        built: dict[str, Any] = {}
        for name, value in values.items():
            if isinstance(value, Crystals):
                built[name] = value.take(order)
            elif isinstance(value, np.ndarray | list | tuple):
                built[name] = np.asarray(value)[order]
            else:
                built[name] = value
        built["ids"] = ids[order]
        built["formulas"] = np.asarray(values["formulas"], dtype=np.str_)[order]
        return cls(**built)

    def columns(self) -> Iterator[tuple[str, Any]]:
        """Name and value of every column (arrays and packed crystals)."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray | Crystals):
                yield field.name, value

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        """Which table it is: rows, and what holds for all of them."""
        shown = [f"{name}={value!r}" for name, value in self._facts() if isinstance(value, str | int) and value != ""]
        return f"{type(self).__name__}({', '.join([f'{len(self):,} rows', *shown])})"

    def _repr_html_(self) -> str:
        """The same and the first rows, for notebooks."""
        shown = [(name, column) for name, column in self.columns() if getattr(column, "ndim", 0) == 1]
        head = "".join(f"<th>{escape(name)}</th>" for name, _ in shown)
        rows = range(min(len(self), ROWS_SHOWN))
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(str(column[row]))}</td>' for _, column in shown)}</tr>" for row in rows
        )
        return f"<div>{escape(repr(self))}<table><tr>{head}</tr>{body}</table></div>"

    def _facts(self) -> Iterator[tuple[str, Any]]:
        """What holds for the whole table."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, np.ndarray | Crystals):
                yield field.name, value

    def take(self: T, indices: Integers | Booleans | Sequence[int]) -> T:
        """The rows at ``indices`` (or where a mask is true); the order by id stays."""
        chosen = np.asarray(indices)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else np.sort(chosen.astype(np.int64))
        rows: dict[str, Any] = {
            name: column.take(chosen) if isinstance(column, Crystals) else column[chosen]
            for name, column in self.columns()
        }
        return replace(self, **rows)

    def positions(self, ids: Sequence[str] | Strings) -> Integers:
        """Row numbers of ``ids``, in the order asked for.

        Raises:
            TableError: if some are not here.
        """
        wanted = np.asarray(ids, dtype=np.str_)
        found, known = _look_up(self.ids, wanted)
        if not known.all():
            raise TableError(f"unknown ids: {listed(wanted[~known])}")
        return found

    def select(self: T, ids: Sequence[str] | Strings) -> T:
        """The rows with these ids (sorted by id, as always)."""
        return self.take(self.positions(ids))

    def has(self, ids: Sequence[str] | Strings) -> Booleans:
        """(len(ids),) which of ``ids`` are here."""
        return _look_up(self.ids, np.asarray(ids, dtype=np.str_))[1]

    def without(self: T, ids: Sequence[str] | Strings) -> T:
        """All rows but those with these ids."""
        return self.take(~_look_up(np.sort(np.asarray(ids, dtype=np.str_)), self.ids)[1])


def _look_up(ids: Strings, wanted: Strings) -> tuple[Integers, Booleans]:
    """(m,) where each of ``wanted`` stands among sorted ``ids``, and whether it is there.

    One search each: ``np.isin`` would sort all ids again for a question about a few.
    """
    found = np.searchsorted(ids, wanted)
    known = np.zeros(len(wanted), dtype=bool)
    inside = found < len(ids)
    known[inside] = ids[found[inside]] == wanted[inside]
    return found.astype(np.int64), known


def slices(total: int, *, size: int) -> Iterator[slice]:
    """Slices of at most ``size`` rows that cover ``total`` rows in order."""
    for first in range(0, total, size):
        yield slice(first, min(first + size, total))


def _filled(parts: Sequence[T]) -> Sequence[T]:
    """The parts with NaN in the fillable columns that some have and others lack."""
    for name in parts[0].fillable:
        widths = {getattr(part, name).shape[1] for part in parts if getattr(part, name, None) is not None}
        if len(widths) == 1:
            width = widths.pop()
            parts = [
                part
                if getattr(part, name) is not None
                else replace(part, **{name: np.full((len(part), width), np.nan)})
                for part in parts
            ]
    return parts


def first_of_each(parts: Sequence[T]) -> T:
    """Several tables in one, as :func:`concatenate`; of an id that is in several the row of the first counts.

    Raises:
        TableError: see there.
    """
    seen = np.empty(0, dtype=np.str_)
    rest: list[T] = []
    for part in parts:
        rest.append(part.without(seen))
        seen = np.union1d(seen, part.ids)
    return concatenate(rest)


def concatenate(parts: Sequence[T]) -> T:
    """One table from several of the same kind; ids must not meet, whole-table properties are the first's.

    Raises:
        TableError: if there are no parts or they differ in kind or optional columns. Columns that a table names as
            ``fillable`` are NaN in the rows of parts that lack them.
    """
    if not parts:
        raise TableError("nothing to concatenate")
    parts = _filled(parts)
    first = parts[0]
    names = [name for name, _ in first.columns()]
    if any(type(part) is not type(first) or [n for n, _ in part.columns()] != names for part in parts):
        raise TableError("tables of different kinds can't be concatenated")
    whole = {field.name: getattr(first, field.name) for field in fields(first)}
    for name in names:
        values = [getattr(part, name) for part in parts]
        whole[name] = Crystals.concatenate(values) if isinstance(values[0], Crystals) else np.concatenate(values)
    return type(first).from_rows(**whole)
