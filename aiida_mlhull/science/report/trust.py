"""How far a campaign can be trusted: what may have been missed, and what is not known."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.cleaning.merge import audit
from aiida_mlhull.science.hull.points import CERTIFIED
from aiida_mlhull.science.report.chances import Chances
from aiida_mlhull.science.report.material import Material
from aiida_mlhull.science.report.rows import CandidateRows
from aiida_mlhull.science.representations.composition import elements_of
from aiida_mlhull.science.types.reasons import Reason, code_of

REGRETTABLE: Final = 10
"""Drops that are shown."""
FEW: Final = 3
"""Results at a composition that are few."""
LISTED: Final = 200
"""Compositions, or phases, that are listed by name."""


def trust(material: Material, rows: CandidateRows, chances: Chances) -> dict[str, Any]:
    """What speaks for the result, and what against it, as JSON.

    Returns:
        ``expected_missed``: sum of P(stable) over the candidates without a result, ``at_least_one``: the chance that
        there is one among them if they were independent, ``not_asked``: how many no model was asked about;
        ``regrettable``: row numbers of those with the highest P(stable); ``certificate``: the largest gap of the hull
        in eV/atom and what passes; ``merging`` by stage; ``few_labels``; ``unseen`` elements; ``promise``: what the
        models claim to have found, see :func:`~aiida_mlhull.science.campaign.promise.claim`, or None;
        ``underexplored``: row numbers of stable phases that there is probably more to find around, the lowest first.
    """
    without = np.isfinite(chances.p_stable)
    waiting = np.flatnonzero(without)
    order = waiting[np.lexsort((rows.columns["predicted_above_hull"][waiting], -chances.p_stable[waiting]))]
    relaxed = np.isfinite(rows.columns["energy"])
    lonely = np.flatnonzero(rows.columns["underexplored"])
    return {
        "expected_missed": float(chances.p_stable[without].sum()),
        "at_least_one": float(1.0 - np.prod(1.0 - np.minimum(chances.p_stable[without], 1.0))),
        "without_result": int(without.sum()),
        "not_asked": int((~relaxed & ~without & ~_apart(material)).sum()),
        "samples": chances.samples,
        "regrettable": order[:REGRETTABLE].tolist(),
        "certificate": {"largest_gap": float(np.abs(rows.gaps).max(initial=0.0)), "passes": CERTIFIED},
        "merging": _merging(material),
        "few_labels": _few_labels(rows, relaxed),
        "unseen": _unseen(material, relaxed),
        "promise": material.stocks[-1].get("promise") if material.stocks else None,
        "underexplored": lonely[np.argsort(rows.columns["phase_separation"][lonely], kind="stable")][:LISTED].tolist(),
    }


def _apart(material: Material) -> Any:
    """(n,) candidates that failed, or that another one stands for."""
    n = len(material.candidates)
    if material.outcomes is None:
        return np.zeros(n, dtype=bool)
    codes = [code_of(reason) for reason in material.outcomes.reasons.tolist()]
    return np.isin(codes, [Reason.FAILED, Reason.SAME_AS])


def _merging(material: Material) -> list[dict[str, Any]]:
    """Pairs that were merged after each stage, and what relaxing some of them all the same has shown."""
    found = []
    for stage, following in zip(material.stages, [*material.stages[1:], None], strict=True):
        if stage.merged is None:
            continue
        checked = None
        if following is not None and following.labels is not None:
            checked = asdict(audit(stage.merged, following.labels))
        merged = int((~stage.merged.keep).sum())
        found.append({"stage": stage.name, "compared": len(stage.merged), "merged": merged, "audit": checked})
    return found


def _few_labels(rows: CandidateRows, relaxed: Any) -> dict[str, Any]:
    """Compositions with candidates, but hardly a result."""
    results = np.bincount(rows.which[relaxed], minlength=len(rows.compositions))
    candidates = np.bincount(rows.which, minlength=len(rows.compositions))
    poor = np.flatnonzero((results < FEW) & (candidates > results))
    order = poor[np.lexsort((-candidates[poor], results[poor]))]
    return {
        "fewer_than": FEW,
        "compositions": len(rows.compositions),
        "poor": len(poor),
        "listed": [
            {
                "formula": str(rows.columns["formula"][int(np.flatnonzero(rows.which == number)[0])]),
                "results": int(results[number]),
                "candidates": int(candidates[number]),
            }
            for number in order[:LISTED].tolist()
        ],
        "by_results": {str(n): count for n, count in sorted(Counter(results[poor].tolist()).items())},
    }


def _unseen(material: Material, relaxed: Any) -> list[str]:
    """Elements of candidates that no result holds."""
    formulas = material.candidates.formulas
    there = set(elements_of(set(formulas.tolist())))
    seen = set(elements_of(set(formulas[relaxed].tolist())))
    return sorted(there - seen)
