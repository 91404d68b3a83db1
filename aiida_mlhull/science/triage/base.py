"""What a keep-rule has to offer: a decision with a reason for every predicted row."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from aiida_mlhull.science.types import Decisions, Predictions, References


class RuleSettings(BaseModel):
    """Base of every rule's settings: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@runtime_checkable
class Rule(Protocol):
    """One way to tell which candidates still have a chance to lie on the hull.

    Attributes:
        Settings: the pydantic class of its settings.
        settings: the settings it was made with.
    """

    Settings: ClassVar[type[RuleSettings]]
    settings: Any

    def __init__(self, settings: Any) -> None: ...

    def decide(self, predictions: Predictions, known: References, *, seed: int = 0) -> Decisions:
        """Keep or drop every predicted candidate.

        Args:
            predictions: of all candidates that are still in question.
            known: the references together with the campaign's own finished results.
            seed: for rules that draw; others ignore it.

        Returns:
            One row a prediction, with reason, value, threshold, margin, and a score that orders the
            kept rows by how much they are worth relaxing next.

        Raises:
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
        """
        ...
