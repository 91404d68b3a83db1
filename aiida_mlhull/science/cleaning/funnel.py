"""Rows on their way through filters, and the table that tells what became of them.

Every dropped row holds the filter that stopped it, what was looked at, and the limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.tables import text
from aiida_mlhull.science.types import Candidates, Decisions
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason, code_of
from aiida_mlhull.science.types.table import Booleans, Strings

RULE: Final = "cleaning"
UNIT: Final = "of the filter"

FILTERS: Final = (
    Reason.NO_REPRESENTATION,
    Reason.TOO_MANY_POSITIONS,
    Reason.TOO_MANY_SITES,
    Reason.TOO_SPARSE,
    Reason.ATOMS_TOO_CLOSE,
    Reason.KNOWN_CRYSTAL,
    Reason.SAME_LABEL_AS,
    Reason.SAME_CRYSTAL_AS,
)
"""In the order in which rows meet them."""


class Funnel:
    """n rows on their way through the filters.

    Args:
        candidates: the rows.

    Attributes:
        keep: (n,) rows that are still there.
        reasons: (n,) at which filter the others got stuck.
    """

    def __init__(self, candidates: Candidates) -> None:
        n = len(candidates)
        self.rows = candidates
        self.keep: Booleans = np.ones(n, dtype=bool)
        self.reasons = np.full(n, Reason.CLEAN, dtype=object)
        self.values, self.thresholds, self.margins = np.zeros(n), np.zeros(n), np.zeros(n)

    def stop(self, bad: Booleans, reasons: str | Strings, values: Floats, threshold: float) -> None:
        """Drop rows that are still there; the others keep the numbers of the last filter that they passed.

        Args:
            bad: (n,) whom the filter stops.
            reasons: one for all, or (n,) of every row.
            values: (n,) what the filter looks at.
            threshold: its limit.
        """
        looked = self.keep.copy()
        self.values[looked], self.thresholds[looked] = values[looked], threshold
        self.margins[looked] = np.where(bad[looked], -1.0, 1.0) * np.abs(values[looked] - threshold)
        stopped = looked & bad
        self.reasons[stopped] = np.broadcast_to(reasons, bad.shape)[stopped]
        self.keep &= ~bad

    def decisions(self) -> Decisions:
        """One row per candidate; kept rows carry the numbers of the last filter."""
        return Decisions(
            ids=self.rows.ids,
            formulas=self.rows.formulas,
            keep=self.keep,
            reasons=self.reasons.astype(np.str_),
            values=self.values,
            thresholds=self.thresholds,
            margins=self.margins,
            scores=np.zeros(len(self.rows)),
            rule=RULE,
            unit=UNIT,
            stage="candidates",
        )


@dataclass(frozen=True)
class FunnelStep:
    """One line of the funnel.

    Attributes:
        name: of the filter.
        entered: rows that met it.
        dropped: rows that it stopped.
    """

    name: str
    entered: int
    dropped: int

    @property
    def left(self) -> int:
        """Rows that passed."""
        return self.entered - self.dropped


def funnel_steps(decisions: Iterable[Decisions]) -> list[FunnelStep]:
    """The table that tells how many rows met every filter and how many it dropped, from the decisions alone.

    Raises:
        TableError: if the decisions are not about cleaning.
    """
    counts: dict[str, int] = dict.fromkeys(FILTERS, 0)
    rows = 0
    for table in decisions:
        if table.rule != RULE:
            raise TableError(f"decisions of rule {table.rule!r} say nothing about cleaning")
        rows += len(table)
        for reason in table.reasons[~table.keep].tolist():
            counts[code_of(reason)] += 1
    steps = []
    for name, dropped in counts.items():
        steps.append(FunnelStep(name, rows, dropped))
        rows -= dropped
    return steps


def funnel_in_words(steps: Iterable[FunnelStep]) -> str:
    """The funnel as a table for people."""
    names = {name.value: name.replace("_", " ") for name in FILTERS}
    rows = [(names.get(step.name, step.name), step.entered, step.dropped, step.left) for step in steps]
    return text.table(("dropped because", "looked at", "dropped", "left"), rows, indent="  ")
