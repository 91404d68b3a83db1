"""Comma-separated values that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO
from math import isnan
from typing import Any, Final

from numpy.typing import NDArray

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets run cells of text that begin with these."""


def guarded(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet would run it (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def to_csv(columns: Mapping[str, NDArray[Any]]) -> str:
    """ColumnArrays as csv with a header; numbers are written as they are, missing ones are empty, text is guarded."""
    sink = StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow([guarded(name) for name in columns])
    writer.writerows(zip(*(map(_cell, values.tolist()) for values in columns.values()), strict=True))
    return sink.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return guarded(value)
    return "" if isinstance(value, float) and isnan(value) else value
