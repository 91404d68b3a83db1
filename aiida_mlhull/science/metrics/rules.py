"""Keep-rules side by side on one campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.metrics.campaign import true_marks
from aiida_mlhull.science.metrics.classification import ratio
from aiida_mlhull.science.types import Decisions, References


@dataclass(frozen=True)
class RuleScores:
    """What a keep-rule decided, against the truth.

    Attributes:
        rule: its name.
        kept: rows that it keeps.
        kept_fraction: their share.
        recall: share of the truly stable rows that it keeps.
        recall_25mev: share of those within 25 meV/atom of the hull that it keeps.
        precision: share of the kept rows that are stable.
        saved_core_minutes: cost of the dropped rows, had they been kept.
    """

    rule: str
    kept: int
    kept_fraction: float
    recall: float
    recall_25mev: float
    precision: float
    saved_core_minutes: float


def score_rules(
    decisions: Mapping[str, Decisions], truth: References, known: References, *, core_minutes_each: float
) -> list[RuleScores]:
    """Score the decisions of several rules on the same rows, most saving first.

    Args:
        decisions: name to decisions, all on the rows of ``truth``.
        truth: the rows with their true energies.
        known: the references.
        core_minutes_each: cost of a row that is kept.

    Raises:
        TableError: if a rule decided about rows that are not in ``truth``.
        MissingEndMembersError: if ``known`` lacks an element.
    """
    on_hull, near = true_marks(truth, known)
    scores = []
    for name, decided in decisions.items():
        keep = np.zeros(len(truth), dtype=bool)
        keep[truth.positions(decided.ids)] = decided.keep
        kept = int(keep.sum())
        scores.append(
            RuleScores(
                rule=name,
                kept=kept,
                kept_fraction=ratio(kept, len(truth)),
                recall=ratio(int((keep & on_hull).sum()), int(on_hull.sum())),
                recall_25mev=ratio(int((keep & near).sum()), int(near.sum())),
                precision=ratio(int((keep & on_hull).sum()), kept),
                saved_core_minutes=(len(truth) - kept) * core_minutes_each,
            )
        )
    return sorted(scores, key=lambda score: (score.kept, score.rule))
