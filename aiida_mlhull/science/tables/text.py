"""Plain text that aligns, on any terminal and in any log file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from aiida_mlhull.science.units import SECONDS_PER_MINUTE

MINUTES_PER_HOUR: Final = 60


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, indent: str = "") -> str:
    """Rows under headers; columns that hold only numbers are aligned to the right."""
    # By hand: tabulate makes every column two wider than its header, but for a global that verdi's tables share.
    cells = [[_cell(value) for value in row] for row in rows]
    values = list(zip(*cells, strict=True)) if cells else [() for _ in headers]
    widths = [max(len(word) for word in (header, *column)) for header, column in zip(headers, values, strict=True)]
    right = [bool(column) and all(_is_number(word) for word in column) for column in values]

    def line(words: Sequence[str]) -> str:
        padded = [
            word.rjust(width) if flush_right else word.ljust(width)
            for word, width, flush_right in zip(words, widths, right, strict=True)
        ]
        return (indent + "  ".join(padded)).rstrip()

    return "\n".join([line(headers), line(["-" * width for width in widths]), *map(line, cells)])


def pairs(items: Iterable[tuple[str, object]], *, indent: str = "  ") -> str:
    """One line per pair, the values below each other."""
    cells = [(key, _cell(value)) for key, value in items]
    width = max((len(key) for key, _ in cells), default=0)
    return "\n".join(f"{indent}{key.ljust(width)}  {value}".rstrip() for key, value in cells)


def duration(seconds: float) -> str:
    """``0:07``, ``12:30``, ``1:02:05``."""
    minutes, rest = divmod(round(seconds), int(SECONDS_PER_MINUTE))
    hours, minutes = divmod(minutes, MINUTES_PER_HOUR)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def about(seconds: float) -> str:
    """A duration in words, as rough as an estimate is."""
    if seconds < 2 * SECONDS_PER_MINUTE:
        return f"{max(round(seconds), 1)} s"
    minutes = seconds / SECONDS_PER_MINUTE
    return f"{minutes:.0f} min" if minutes < 2 * MINUTES_PER_HOUR else f"{minutes / MINUTES_PER_HOUR:.1f} h"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 candidate``, ``12 candidates``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def number(value: float | None) -> str | None:
    """A value or threshold: whole ones as such, small ones so that they don't look like nothing; None where there is none."""
    if value is None or value != value:  # noqa: PLR0124  (NaN)
        return None
    if value == int(value):
        return f"{value:.0f}"
    return f"{value:.0e}" if abs(value) < 5e-5 else f"{value:.4f}"  # noqa: PLR2004  (what four decimals show)


def share(value: float, *, digits: int = 3) -> str:
    """A rate; a dash where there was nothing to find."""
    return "-" if value != value else f"{value:.{digits}f}"  # noqa: PLR0124


def core_minutes(minutes: float | None) -> str | None:
    """A cost, with as many digits as it deserves."""
    if minutes is None:
        return None
    if minutes and abs(minutes) < 0.1:  # noqa: PLR2004  (a potential takes a tenth of a second a crystal)
        return f"{minutes:.2g}"
    if minutes and abs(minutes) < 100:  # noqa: PLR2004  (two digits behind the point tell nothing more above that)
        return f"{minutes:,.2f}"
    return f"{minutes:,.0f}"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _is_number(word: str) -> bool:
    try:
        float(word.replace(",", "").rstrip("%"))
    except ValueError:
        return word == "-"
    return True
