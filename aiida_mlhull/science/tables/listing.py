"""Rows of a table on a screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from aiida_mlhull.science.errors import InputError, listed
from aiida_mlhull.science.tables.export import COLUMN_NAMES, combined
from aiida_mlhull.science.types import Crystals, Decisions, Labels, Predictions, Table
from aiida_mlhull.science.types.reasons import code_of
from aiida_mlhull.science.types.table import Strings, T


def choose(table: T, *, ids: Sequence[str] = (), reason: str | None = None, limit: int | None = None) -> T:
    """The rows that were asked for, in the order of ids.

    Args:
        table: the table.
        ids: only these; all if empty.
        reason: only rows with this reason code (:class:`Decisions`, or failures of :class:`Labels`).
        limit: at most so many.

    Raises:
        TableError: if an id is not in the table.
        InputError: if rows of this kind have no reasons, or none has this one.
    """
    chosen = table.select(ids) if ids else table
    if reason is not None:
        reasons = _reasons(chosen)
        codes = np.asarray([code_of(text) for text in reasons.tolist()], dtype=np.str_)
        if reason not in codes:
            raise InputError(f"no row has the reason {reason!r}; reasons here: {listed(sorted(set(codes) - {''}))}")
        chosen = chosen.take(codes == reason)
    return chosen if limit is None else chosen.take(np.arange(min(limit, len(chosen))))


def _reasons(table: Table) -> Strings:
    if isinstance(table, Decisions):
        return table.reasons
    if isinstance(table, Labels):
        return table.failures
    raise InputError(f"rows of {type(table).__name__} have no reasons")


def listing(table: Table) -> dict[str, list[str]]:
    """The columns that fit on a screen, as text: everything but cells and single members."""
    columns: dict[str, list[str]] = {}
    for field in fields(table):
        value = getattr(table, field.name)
        if isinstance(value, Crystals):
            columns["atoms"] = _texts(value.n_sites)
            columns["volume_per_atom"] = _texts(value.volumes_per_atom)
        elif isinstance(value, np.ndarray) and value.ndim == 1:
            columns[COLUMN_NAMES.get(field.name, field.name)] = _texts(value)
    if isinstance(table, Predictions):
        columns |= {name: _texts(values) for name, values in combined(table).items()}
    return columns


def _texts(values: Any) -> list[str]:
    if values.dtype.kind == "f":
        return ["" if np.isnan(number) else f"{number:.4f}" for number in values.tolist()]
    if values.dtype.kind == "b":
        return ["yes" if value else "no" for value in values.tolist()]
    return [str(value) for value in values.tolist()]
