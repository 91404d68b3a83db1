"""What a campaign may say of how much it has found: by the model, and without any model.

By the model, the share that has been found is found / (found + sum of the corrected chances of those that wait), with the
chances to lie within the window of the hull that the gate's rule gave them; members that are blind to the stage before
take part, for without them the sum is far too small.

Chances are corrected on the way. Every round states chances of the rows that it chooses before their results are known:
what was expected of them, and what came, says by how much such chances are off. Means over members that disagree are too
flat: of rows with a chance of one half more come, of those with a chance of one twentieth fewer, and nearly all that
wait are of the latter kind. So rows are counted by the size of their chance, and each size has a factor of its own: (prior f + came) /
(prior + expected), the mean of a gamma distribution after Poisson counts, where f is the factor of the next larger
size (1 for the largest), because rounds go down the ladder of chances. It is as good as the models, and as what was chosen is
like what waits.

Without any model, a random sample of those that wait has to be relaxed: if none of n lies within the window, at most the
share 1 - (1 - c)^(1/n) of them does, with confidence c (the exact binomial bound for no success, Clopper and Pearson, Biometrika 26
(1934) 404). What such an audit could certify is told beside the claim, so that the two are not confused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.types import Decisions
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Strings

AUDITED: Final = (60, 150)
"""Sizes of audits that are told of."""

CONFIDENCE: Final = 0.95

PRIOR: Final = 2.0
"""So many expected rows weigh as much as what is believed before any of a size were tried."""

SIZES: Final = (0.03, 0.1, 0.3)
"""Chances are told apart by these."""


def claim(
    heights: Floats, ids: Strings, left: Decisions, *, window: float, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The share of what lies near the hull that has been found.

    Args:
        heights: (n,) eV/atom, results above the hull of references and results.
        ids: (n,) of the results.
        left: the last round's decisions, whose values are chances: rows that it chose are among the results unless they
            failed, rows that it dropped wait still.
        window: eV/atom above the hull that counts as near.
        before: what this function returned after the round before.

    Returns:
        JSON: ``found`` and ``expected_left`` (rows within the window), ``claim`` (1 where nothing is expected), ``stated_left`` (the
        sum of the chances as they were stated), ``tried`` (``expected`` and ``came`` of the rows that all rounds chose, by
        size of the chance, smallest first), ``factors`` (of the chances, by size), and ``audits``: by size, the share that a random sample of
        those that wait could certify at 95 % if it found nothing.
    """
    near = ids[heights <= window]
    waiting = left.values[~left.keep]
    tried = _tried(left.select(ids[np.isin(ids, left.ids[left.keep])]), near, before)
    factors = correction(tried["expected"], tried["came"])
    found, expected = len(near), float((np.array(factors)[_size(waiting)] * waiting).sum())
    return {
        "found": found,
        "expected_left": expected,
        "claim": _share(found, expected),
        "stated_left": float(waiting.sum()),
        "factors": factors,
        "tried": tried,
        "audits": {str(size): audited(found, waiting=len(waiting), size=size) for size in AUDITED},
    }


def correction(expected: Sequence[float], came: Sequence[float]) -> list[float]:
    """Factors of chances by their size, smallest first.

    Args:
        expected: sums of the chances of the rows that were tried.
        came: how many of them lay within the window.
    """
    factors, belief = [], 1.0
    for stated, true in zip(reversed(expected), reversed(came), strict=True):
        belief = (PRIOR * belief + true) / (PRIOR + stated)
        factors.append(belief)
    return factors[::-1]


def _tried(chosen: Decisions, near: Strings, before: Mapping[str, Any] | None) -> dict[str, list[float]]:
    """What was expected of the rows that came out of all rounds, and what came, by size of the chance."""
    size, none = _size(chosen.values), [0.0] * (len(SIZES) + 1)
    earlier = (before or {}).get("tried", {})  # earlier versions kept none
    now = {"expected": chosen.values, "came": np.isin(chosen.ids, near)}
    return {
        name: (np.bincount(size, values, len(none)) + earlier.get(name, none)).tolist() for name, values in now.items()
    }


def _size(chances: Floats) -> Integers:
    return np.digitize(chances, SIZES)


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
