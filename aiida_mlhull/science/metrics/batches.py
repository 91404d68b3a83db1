"""What every batch of calculations has found: the start set, then round after round, compared with what was known before.

"Found" has the two conventions of :mod:`~aiida_mlhull.science.metrics.classification`: strictly below the hull of what
was known (Goodall 2021), and at most on it (matbench-discovery).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.hull import distances
from aiida_mlhull.science.metrics.classification import is_stable, ratio
from aiida_mlhull.science.types import Decisions, Labels, References
from aiida_mlhull.science.types.table import Booleans
from aiida_mlhull.science.units import ON_HULL_TOLERANCE

START: Final = "start set"
OTHERS: Final = "without a decision"
"""Results that no batch has asked for: taken over from elsewhere, or of a stage without a gate."""


@dataclass(frozen=True)
class BatchScore:
    """What came of a batch.

    Attributes:
        batch: its name.
        calculated: rows with a result.
        failed: of these, without an energy.
        below: strictly below the hull of what was known before the campaign (Goodall 2021).
        at_most_on: below it or on it, within 1e-6 eV/atom (matbench-discovery).
        precision: share of the calculated rows that lie below.
        precision_so_far: the same of this batch and all before it.
        enrichment: precision over that of the start set, which was drawn at random; NaN where there is none, or it
            found nothing.
    """

    batch: str
    calculated: int
    failed: int
    below: int
    at_most_on: int
    precision: float
    precision_so_far: float
    enrichment: float


def batches_of(decided: Sequence[Decisions], started: Sequence[str], results: Labels) -> dict[str, list[str]]:
    """Ids of the rows with a result by batch, in the order in which they were calculated.

    Args:
        decided: of the rounds at the last stage, the oldest first.
        started: ids of the start set.
        results: of the last stage.
    """
    found: dict[str, list[str]] = {}
    left = set(results.ids.tolist())
    rounds = [
        (f"round {one.round}", one.ids[one.keep][np.argsort(-one.scores[one.keep], kind="stable")]) for one in decided
    ]
    for name, ids in ((START, np.asarray(started, dtype=np.str_)), *rounds):
        rows = [row for row in ids.tolist() if row in left]
        left -= set(rows)
        if rows:
            found[name] = found.get(name, []) + rows
    return found | ({OTHERS: sorted(left)} if left else {})


def batch_scores(batches: Mapping[str, Sequence[str]], results: Labels, references: References) -> Iterator[BatchScore]:
    """Score batches in their order.

    Args:
        batches: ids by batch, see :func:`batches_of`.
        results: of the last stage.
        references: what was known before.

    Raises:
        TableError: if a row has no result.
        MissingEndMembersError: if the references lack an element.
    """
    found, on_it = marks(results, references)
    calculated = hits = 0
    by_chance = float("nan")
    for name, ids in batches.items():
        rows = results.positions(list(ids))
        below = int(found[rows].sum())
        calculated, hits = calculated + len(rows), hits + below
        precision = ratio(below, len(rows))
        by_chance = precision if name == START else by_chance
        yield BatchScore(
            batch=name,
            calculated=len(rows),
            failed=int((~results.succeeded[rows]).sum()),
            below=below,
            at_most_on=int(on_it[rows].sum()),
            precision=precision,
            precision_so_far=ratio(hits, calculated),
            enrichment=ratio(precision, by_chance),
        )


def marks(results: Labels, references: References) -> tuple[Booleans, Booleans]:
    """(n,) which results lie strictly below the hull of what was known, and (n,) which at most on it."""
    good = results.succeeded
    heights = np.full(len(results), np.nan)
    heights[good] = distances(results.formulas[good], results.energies[good], references).e_above_hull
    below = is_stable(heights, threshold=-ON_HULL_TOLERANCE, strict=True)
    return below, is_stable(heights, threshold=ON_HULL_TOLERANCE)
