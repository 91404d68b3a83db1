"""Keep the n best, however good they are."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from aiida_mlhull.science.triage.base import RuleSettings, Score, by_rank, weigh
from aiida_mlhull.science.types import Decisions, Predictions, References


class TopNSettings(RuleSettings):
    """How many, and best by what.

    Attributes:
        n: rows that are kept.
        by: which score, see :data:`~aiida_mlhull.science.triage.base.Score`.
        k: σ that an optimistic score takes off.
    """

    n: int = Field(default=100, ge=0)
    by: Score = "chance"
    k: float = Field(default=1.0, ge=0)


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
        scores = weigh(predictions, known).by(self.settings.by, k=self.settings.k)
        return by_rank(predictions, rule="top_n", scores=scores, n=self.settings.n)
