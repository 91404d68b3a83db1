"""The circuit breaker: whether a stage does nothing but fail, and always in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def same_failure(tables: Iterable[tuple[int, Mapping[str, int]]], *, first: int) -> str:
    """The reason why the first results of a stage have all failed, if it is one and the same.

    Args:
        tables: number of rows and failed ones by the code of their reason, a pair for every table of results, the
            oldest first.
        first: so many results have to be there.

    Returns:
        The reason's code; empty if there are fewer results, one of them is an energy, or the reasons differ.
    """
    seen, codes = 0, set()
    for rows, reasons in tables:
        codes |= set(reasons)
        if sum(reasons.values()) < rows or len(codes) > 1:
            return ""
        seen += rows
        if seen >= first:
            return next(iter(codes), "")
    return ""
