"""Keep rows by chance: the lower end of the scale, which every other rule has to beat."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from aiida_mlhull.science.hull import check_end_members
from aiida_mlhull.science.triage.base import RuleSettings, by_rank
from aiida_mlhull.science.types import Decisions, Predictions, References
from aiida_mlhull.science.units import share_of


class RandomSettings(RuleSettings):
    """How many.

    Attributes:
        fraction: share of the rows that is kept, rounded up.
    """

    fraction: float = Field(default=0.5, ge=0, le=1)


class Random:
    """A random share of the rows; the seed settles which."""

    Settings: ClassVar[type[RandomSettings]] = RandomSettings

    def __init__(self, settings: RandomSettings) -> None:
        self.settings = settings

    def decide(self, predictions: Predictions, known: References, *, seed: int = 0) -> Decisions:
        """Value: rank of a random number; threshold: how many are kept; score: the random number.

        Raises:
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
        """
        check_end_members(predictions.formulas.tolist(), known)
        scores = np.random.default_rng(seed).random(len(predictions))
        n = share_of(len(predictions), self.settings.fraction)
        return by_rank(predictions, rule="random", scores=scores, n=n)
