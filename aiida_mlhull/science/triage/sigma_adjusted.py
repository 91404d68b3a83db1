"""Keep what is predicted stable with confidence (Goodall 2021, prospecting).

A candidate goes on where ΔE + k σ < 0, with ΔE its distance from the hull, and k = 1: few false
positives, many misses; the other end of the scale from ``two_sigma``.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from aiida_mlhull.science.triage.base import RuleSettings, by_threshold, weigh
from aiida_mlhull.science.types import Decisions, Predictions, References


class SigmaAdjustedSettings(RuleSettings):
    """How confident, and against which hull.

    Attributes:
        k: σ are added to the distance k times.
        hull: ``known``: references and own results (as the source does); ``predicted``: what is known and
            all other predictions, so that candidates compete.
    """

    k: float = Field(default=1.0, ge=0)
    hull: Literal["known", "predicted"] = "known"


class SigmaAdjusted:
    """ΔE + k σ < 0."""

    Settings: ClassVar[type[SigmaAdjustedSettings]] = SigmaAdjustedSettings

    def __init__(self, settings: SigmaAdjustedSettings) -> None:
        self.settings = settings

    def decide(self, predictions: Predictions, known: References, *, seed: int = 0) -> Decisions:  # noqa: ARG002
        """Value: ΔE + k σ; threshold: zero; score: the chance to lie below the hull of what is known.

        Raises:
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
        """
        evidence = weigh(predictions, known)
        distance = evidence.e_above_known if self.settings.hull == "known" else evidence.signed
        return by_threshold(
            predictions,
            rule="sigma_adjusted",
            values=distance + self.settings.k * evidence.sigma,
            thresholds=0.0,
            scores=evidence.chance,
        )
