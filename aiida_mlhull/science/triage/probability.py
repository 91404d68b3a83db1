"""Keep what is likely enough to be stable, all candidates competing.

P(stable) comes from sampled hulls, in which errors are drawn together and every composition is
occupied once, see :mod:`aiida_mlhull.science.hull.probability`. A row with P > p goes on.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from aiida_mlhull.science.hull import stable_chances
from aiida_mlhull.science.hull.probability import SAMPLES
from aiida_mlhull.science.hull.sampling import SHARED
from aiida_mlhull.science.triage.base import RuleSettings, decided
from aiida_mlhull.science.types import Decisions, Predictions, References
from aiida_mlhull.science.types.reasons import Reason


class ProbabilitySettings(RuleSettings):
    """How likely, and how well known.

    Attributes:
        p: rows above this chance are kept.
        samples: hulls that are drawn.
        shared: share of the aleatoric variance that chemically similar rows have in common.
    """

    p: float = Field(default=0.02, ge=0, lt=1)
    samples: int = Field(default=SAMPLES, ge=1)
    shared: float = Field(default=SHARED, ge=0, le=1)


class Probability:
    """P(stable) > p."""

    Settings: ClassVar[type[ProbabilitySettings]] = ProbabilitySettings

    def __init__(self, settings: ProbabilitySettings) -> None:
        self.settings = settings

    def decide(self, predictions: Predictions, known: References, *, seed: int = 0) -> Decisions:
        """Value and score: P(stable); threshold: p.

        Raises:
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
        """
        drawn = stable_chances(
            predictions, known, samples=self.settings.samples, seed=seed, shared=self.settings.shared
        )
        return decided(
            predictions,
            rule="probability",
            keep=drawn.p_stable > self.settings.p,
            reasons=(Reason.LIKELY_ENOUGH, Reason.TOO_UNLIKELY),
            values=drawn.p_stable,
            thresholds=self.settings.p,
            margins=drawn.p_stable - self.settings.p,
            scores=drawn.p_stable,
            unit="probability",
        )
