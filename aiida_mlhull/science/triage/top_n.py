"""Keep the n best, however good they are."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from aiida_mlhull.science.triage.base import RuleSettings, by_rank, weigh
from aiida_mlhull.science.types import Decisions, Predictions, References


class TopNSettings(RuleSettings):
    """How many, and best by what.

    Attributes:
        n: rows that are kept.
        by: ``chance``: the probability to lie below the hull of what is known, so that uncertain rows
            come forward; ``energy``: the mean prediction's distance from that hull alone.
    """

    n: int = Field(default=100, ge=0)
    by: Literal["chance", "energy"] = "chance"


class TopN:
    """The n rows with the highest score."""

    Settings: ClassVar[type[TopNSettings]] = TopNSettings

    def __init__(self, settings: TopNSettings) -> None:
        self.settings = settings

    def decide(self, predictions: Predictions, known: References, *, seed: int = 0) -> Decisions:  # noqa: ARG002
        """Value: rank; threshold: n; score: what ``by`` says.

        Raises:
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
        """
        evidence = weigh(predictions, known)
        scores = evidence.chance if self.settings.by == "chance" else -evidence.e_above_known
        return by_rank(predictions, rule="top_n", scores=scores, n=self.settings.n)
