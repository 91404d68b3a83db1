"""A record in which the last stage goes on from the cell of the stage before it.

Published relaxations began at unrelaxed cells. A campaign whose DFT begins where a potential has ended meets another
record: a candidate's result is that of the published row which *is* its potential-relaxed cell, whichever candidate that
row belonged to. Candidates that become the same crystal are one candidate. Where no published relaxation has ended in the
crystal that the potential made, nothing is known, and the candidate is left out, which the remarks count: such
a benchmark says what happens to candidates whose basin the potential has got right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aiida_mlhull.science.cleaning.matches import found_again
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.types import Candidates, Labels


@dataclass(frozen=True, eq=False)
class Continued:
    """What is left of a record, and what is not.

    Attributes:
        candidates: those that have a result, one of every kind.
        record: their results.
        failed: candidates that the stage before could not relax.
        unknown: candidates whose relaxed cell is not among the published results.
        twins: candidates that became the same crystal as one that is left.
    """

    candidates: Candidates
    record: Labels
    failed: int
    unknown: int
    twins: int

    def remark(self, stage: str) -> str:
        """A line for people."""
        total = len(self.candidates) + self.failed + self.unknown + self.twins
        dropped = self.failed + self.unknown
        return (
            f"the record goes on from stage {stage}: of {total:,} candidates {len(self.candidates):,} are left; "
            f"{self.twins:,} became the same crystal as one of these; {dropped:,} ({dropped / total:.0%}) are left out: "
            f"{self.unknown:,} whose relaxed cell is not among the published results, {self.failed:,} that failed"
        )


def continue_from(stage: Labels, candidates: Candidates, record: Labels) -> Continued:
    """Give every candidate the published result that its relaxed cell is.

    Args:
        stage: results of the stage before the last one, for all candidates.
        candidates: before any stage.
        record: published results of the last stage, for all candidates.

    Raises:
        InputError: if no candidate is left.
    """
    relaxed = stage.take(stage.succeeded)
    found = found_again(relaxed, record)
    known = np.flatnonzero(found >= 0)
    # A row that kept its own result speaks for its twins; else the first by id does.
    own = record.ids[found[known]] == relaxed.ids[known]
    order = known[np.lexsort((relaxed.ids[known], ~own))]
    _, first = np.unique(found[order], return_index=True)
    left = np.sort(order[first])
    if not len(left):
        raise InputError(f"no candidate's cell after stage {stage.stage} is one of the published results")
    ids = relaxed.ids[left]
    columns: dict[str, Any] = {
        name: column[found[left]] for name, column in record.columns() if isinstance(column, np.ndarray)
    }
    # One step: in between, rows would not be in the order of their ids.
    columns |= {"ids": ids, "formulas": relaxed.formulas[left], "crystals": record.crystals.take(found[left])}
    return Continued(
        candidates=candidates.select(ids),
        record=replace(record, **columns),
        failed=int((~stage.succeeded).sum()),
        unknown=int((found < 0).sum()),
        twins=len(known) - len(left),
    )
