"""What a campaign may say of how much it has found: by the model, and without any model.

By the model, the share that has been found is found / (found + sum of the chances of those that wait), with the chances
to lie within the window of the hull that the gate's rule gave them; members that are blind to the stage before take part,
for without them the sum is far too small. It is as good as the models.

Without any model, a random sample of those that wait has to be relaxed: if none of n lies within the window, at most the
share 1 - (1 - c)^(1/n) of them does, with confidence c (the exact binomial bound for no success, Clopper and Pearson, Biometrika 26
(1934) 404). What such an audit could certify is told beside the claim, so that the two are not confused.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from aiida_mlhull.science.types import Decisions
from aiida_mlhull.science.types.crystals import Floats

AUDITED: Final = (60, 150)
"""Sizes of audits that are told of."""

CONFIDENCE: Final = 0.95


def claim(heights: Floats, left: Decisions, *, window: float) -> dict[str, Any]:
    """The share of what lies near the hull that has been found.

    Args:
        heights: eV/atom, results above the hull of references and results.
        left: the last round's decisions; those that it dropped wait still, and their values are their chances.
        window: eV/atom above the hull that counts as near.

    Returns:
        JSON: ``found`` and ``expected_left`` (rows within the window), ``claim`` (1 where nothing is expected), and ``audits``:
        by size, the share that a random sample of those that wait could certify at 95 % if it found nothing.
    """
    found = int((heights <= window).sum())
    waiting = left.values[~left.keep]
    expected = float(waiting.sum())
    return {
        "found": found,
        "expected_left": expected,
        "claim": _share(found, expected),
        "audits": {str(size): audited(found, waiting=len(waiting), size=size) for size in AUDITED},
    }


def audited(found: int, *, waiting: int, size: int, confidence: float = CONFIDENCE) -> float:
    """The share found that a random sample certifies in which nothing was found.

    Args:
        found: rows within the window so far.
        waiting: rows that the sample is drawn from.
        size: of the sample.
        confidence: probability that the true share is no less.
    """
    if size >= waiting:
        return 1.0
    most = -np.expm1(np.log1p(-confidence) / size)
    return _share(found, float(most * waiting))


def _share(found: int, expected: float) -> float:
    return found / (found + expected) if found + expected > 0 else 1.0
