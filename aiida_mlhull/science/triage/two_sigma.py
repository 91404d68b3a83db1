"""Keep what the ensemble can't exclude from the predicted hull (Ekström, Lindsten, Armiento 2022).

A candidate goes on while E_hull < k σ, with E_hull the distance of its mean prediction from the
self-consistent hull (what is known and all predictions together), σ = sqrt(σ_a² + σ_e²), and k = 2.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from aiida_mlhull.science.triage.base import RuleSettings, by_threshold, weigh
from aiida_mlhull.science.types import Decisions, Predictions, References
from aiida_mlhull.science.units import ON_HULL_TOLERANCE


class TwoSigmaSettings(RuleSettings):
    """How many σ.

    Attributes:
        k: candidates within k σ of the predicted hull are kept.
    """

    k: float = Field(default=2.0, gt=0)


class TwoSigma:
    """E_hull < k σ on the self-consistent predicted hull; what lies on that hull is always kept."""

    Settings: ClassVar[type[TwoSigmaSettings]] = TwoSigmaSettings

    def __init__(self, settings: TwoSigmaSettings) -> None:
        self.settings = settings

    def decide(self, predictions: Predictions, known: References, *, seed: int = 0) -> Decisions:  # noqa: ARG002
        """Value: E_hull; threshold: k σ; score: the chance to lie below the hull of what is known.

        Raises:
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
        """
        evidence = weigh(predictions, known)
        return by_threshold(
            predictions,
            rule="two_sigma",
            values=evidence.e_above_hull,
            thresholds=np.maximum(self.settings.k * evidence.sigma, ON_HULL_TOLERANCE),
            scores=evidence.chance,
        )
