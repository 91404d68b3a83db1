"""Keep the candidates with the smallest predicted energy above the hull of what is known."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from aiida_mlhull.science.triage.base import RuleSettings, by_rank, weigh
from aiida_mlhull.science.types import Decisions, Predictions, References


class CheapestSettings(RuleSettings):
    """How many.

    Attributes:
        n: rows that are kept.
    """

    n: int = Field(default=50, ge=0)


class Cheapest:
    """The n rows that lie lowest."""

    Settings: ClassVar[type[CheapestSettings]] = CheapestSettings

    def __init__(self, settings: CheapestSettings) -> None:
        self.settings = settings

    def decide(self, predictions: Predictions, known: References, *, seed: int = 0) -> Decisions:  # noqa: ARG002
        """Value: rank; threshold: n; score: minus the energy above the hull, in eV/atom.

        Raises:
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
        """
        scores = -weigh(predictions, known).e_above_known
        return by_rank(predictions, rule="cheapest", scores=scores, n=self.settings.n)
