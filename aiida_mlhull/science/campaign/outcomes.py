"""The end of a campaign: one row for every candidate ever considered, and the funnel that adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aiida_mlhull.science.errors import TableError, listed
from aiida_mlhull.science.hull import distances, with_results
from aiida_mlhull.science.triage.requirements import RULE as REQUIREMENT
from aiida_mlhull.science.types import Decisions, Labels, References, Table
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason, code_of, with_detail
from aiida_mlhull.science.types.table import Booleans
from aiida_mlhull.science.units import ON_HULL_TOLERANCE


def final_outcomes(
    candidates: Table,
    trail: Sequence[Decisions],
    labels: Labels | None,
    references: References,
    *,
    everything: Labels | None = None,
    heights: Floats | None = None,
) -> Decisions:
    """What became of every candidate of a shard.

    Args:
        candidates: the shard; its ids and formulas are enough.
        trail: decisions about it, oldest first; the last one that names a candidate counts.
        labels: results of the last stage for the shard; None if none has come so far.
        references: known phases.
        everything: results of the last stage for all shards, which the hull is made of; ``labels`` if
            there is only one shard.
        heights: (n,) eV/atom, of ``labels`` above that hull, see :func:`final_heights`; computed if None.

    Returns:
        One row per candidate. Relaxed ones are kept, with the reason ``on_hull`` or ``above_hull`` and
        their energy above the final hull as value. The others are dropped: ``failed: ...``, or with
        reason, value, threshold and margin of the decision that dropped them, or as ``not_asked``.

    Raises:
        TableError: if a candidate was neither relaxed nor dropped by anybody: rows must not vanish.
    """
    n = len(candidates)
    keep, reasons = np.zeros(n, dtype=bool), np.full(n, "", dtype=object)
    numbers: dict[str, Any] = {name: np.zeros(n) for name in ("values", "thresholds", "margins", "scores")}
    for decided in trail:
        rows = candidates.positions(decided.ids)
        reasons[rows] = np.where(decided.keep, Reason.NOT_ASKED, decided.reasons)
        for name, column in numbers.items():
            # What met a requirement was compared with a bound on another property, which says nothing of the hull.
            met = decided.keep & (decided.rule == REQUIREMENT)
            column[rows] = np.where(met, 0.0, getattr(decided, name))
    if labels is not None:
        if heights is None:
            heights = final_heights(labels, references, everything=everything)
        _write_results(candidates, labels, heights, keep=keep, reasons=reasons, numbers=numbers)
    vanished = reasons == ""
    if vanished.any():
        raise TableError(f"{int(vanished.sum())} candidates vanished: {listed(candidates.ids[vanished])}")
    return Decisions(
        ids=candidates.ids,
        formulas=candidates.formulas,
        keep=keep,
        reasons=reasons.astype(np.str_),
        **numbers,
        rule="outcome",
        stage="" if labels is None else labels.stage,
    )


def final_heights(labels: Labels, references: References, *, everything: Labels | None = None) -> Floats:
    """(n,) eV/atom above the final hull, NaN where there is no energy; arguments are those of :func:`final_outcomes`."""
    hull = with_results(references, labels if everything is None else everything)
    done = labels.succeeded
    heights = np.full(len(labels), np.nan)
    heights[done] = distances(labels.formulas[done], labels.energies[done], hull).e_above_hull
    return heights


def _write_results(
    candidates: Table,
    labels: Labels,
    heights: Floats,
    *,
    keep: Booleans,
    reasons: Any,
    numbers: Mapping[str, Any],
) -> None:
    """Overwrite the rows that went through the last stage, in place."""
    mine = labels.take(labels.succeeded)
    rows = candidates.positions(mine.ids)
    height = heights[labels.succeeded]
    keep[rows] = True
    reasons[rows] = np.where(height <= ON_HULL_TOLERANCE, Reason.ON_HULL, Reason.ABOVE_HULL)
    numbers["values"][rows] = height
    numbers["thresholds"][rows] = ON_HULL_TOLERANCE
    numbers["margins"][rows] = ON_HULL_TOLERANCE - height
    failed = labels.take(~labels.succeeded)
    rows = candidates.positions(failed.ids)
    reasons[rows] = [with_detail(Reason.FAILED, failure) for failure in failed.failures.tolist()]
    for column in numbers.values():
        column[rows] = 0.0


def funnel(outcomes: Sequence[Decisions]) -> dict[str, int]:
    """How many candidates ended where; the parts add up to ``candidates``.

    Returns:
        ``candidates``, ``relaxed``, ``on_hull``, ``failed``, ``merged``, ``dropped_by_rule`` (with the
        reasons spelled out as ``reason:...``).
    """
    reasons: Counter[str] = Counter()
    for table in outcomes:
        words, counts = np.unique(table.reasons, return_counts=True)
        for word, count in zip(words.tolist(), counts.tolist(), strict=True):
            reasons[code_of(word)] += count
    relaxed = sum(int(table.keep.sum()) for table in outcomes)
    failed, merged = reasons[Reason.FAILED], reasons[Reason.SAME_AS]
    total = sum(reasons.values())
    apart = {Reason.ON_HULL, Reason.ABOVE_HULL, Reason.FAILED, Reason.SAME_AS}
    others = {code: n for code, n in reasons.items() if code not in apart}
    return {
        "candidates": total,
        "relaxed": relaxed,
        "on_hull": reasons[Reason.ON_HULL],
        "failed": failed,
        "merged": merged,
        "dropped_by_rule": total - relaxed - failed - merged,
        **{f"reason:{code}": others[code] for code in sorted(others)},
    }


def funnel_steps(counts: Mapping[str, int]) -> dict[str, int]:
    """Candidates left after each step, from all of them to those on the hull, out of what :func:`funnel` returns."""
    steps = {"candidates": counts["candidates"]}
    if counts["merged"]:
        steps["left after merging"] = counts["candidates"] - counts["merged"]
    return {**steps, "relaxed to the end": counts["relaxed"], "on the hull": counts["on_hull"]}
