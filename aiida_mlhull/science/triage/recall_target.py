"""Keep as little as the wanted recall allows.

Rows are dropped from the far end, measured by E_hull/σ on the self-consistent hull, while the expected
share of stable phases among the dropped stays below α. Expected numbers are sums of P(stable) over
sampled hulls, in which candidates compete. The outcome is a k σ rule whose k fits the wanted recall:
the threshold column holds k, to be compared with the 2 of ``two_sigma``. It keeps its promise
as far as σ is calibrated.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from aiida_mlhull.science.hull import stable_chances
from aiida_mlhull.science.hull.probability import SAMPLES
from aiida_mlhull.science.hull.sampling import SHARED
from aiida_mlhull.science.triage.base import RuleSettings, decided, weigh
from aiida_mlhull.science.types import Decisions, Predictions, References
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason


class RecallTargetSettings(RuleSettings):
    """What may be lost.

    Attributes:
        alpha: share of the stable phases that may be expected among the dropped rows.
        samples: hulls that are drawn.
        shared: share of the aleatoric variance that chemically similar rows have in common.
    """

    alpha: float = Field(default=0.05, ge=0, lt=1)
    samples: int = Field(default=SAMPLES, ge=1)
    shared: float = Field(default=SHARED, ge=0, le=1)


class RecallTarget:
    """E_hull/σ <= k, with the smallest k whose expected loss is at most α."""

    Settings: ClassVar[type[RecallTargetSettings]] = RecallTargetSettings

    def __init__(self, settings: RecallTargetSettings) -> None:
        self.settings = settings

    def decide(self, predictions: Predictions, known: References, *, seed: int = 0) -> Decisions:
        """Value: E_hull/σ; threshold: k; score: P(stable).

        Raises:
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
        """
        distance = weigh(predictions, known).in_sigmas
        chances = stable_chances(
            predictions, known, samples=self.settings.samples, seed=seed, shared=self.settings.shared
        ).p_stable
        k = smallest_k(distance, chances, alpha=self.settings.alpha)
        return decided(
            predictions,
            rule="recall_target",
            keep=distance <= k,
            reasons=(Reason.WITHIN_THRESHOLD, Reason.ABOVE_THRESHOLD),
            values=distance,
            thresholds=k,
            margins=k - distance,
            scores=chances,
            unit="sigma",
        )


def smallest_k(distance: Floats, chances: Floats, *, alpha: float) -> float:
    """The smallest k such that rows with ``distance`` > k hold at most the share α of all ``chances``."""
    if not len(distance):
        return 0.0
    order = np.argsort(distance, kind="stable")
    # Summed from the far end: the difference of two large sums would hide what few chances are left there.
    from_here = np.cumsum(chances[order][::-1])[::-1]
    behind = np.append(from_here[1:], 0.0)
    return float(distance[order][np.argmax(behind <= alpha * from_here[0] + 1e-12)])
