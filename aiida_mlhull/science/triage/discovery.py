"""Keep what may lie near the hull, ordered by how much a relaxation is expected to find.

Two chances count for every row: to lie on or below the hull of what is known, and to lie within a window
of it. Each is the mean over the ensemble's members of Φ((H - μ) / σ), a mixture of their distributions:
where members disagree, the one that believes in the candidate is heard. A row goes on while its chance
to lie within the window is above a threshold. Rows are ordered by their share of all that is expected
to be found, on the hull and within the window, half and half by default: the first finds phases, the
second maps what surrounds them.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from aiida_mlhull.science.hull import hull_energies
from aiida_mlhull.science.triage.base import RuleSettings, decided, mixture_below, shares
from aiida_mlhull.science.types import Decisions, Predictions, References
from aiida_mlhull.science.types.reasons import Reason


class DiscoverySettings(RuleSettings):
    """What to look for.

    Attributes:
        window: eV/atom above the hull that still counts as near.
        least_chance: rows whose chance to lie within the window is not larger are dropped.
        on_hull_share: weight of the chance to lie on the hull in the order; the rest is the window's.
    """

    window: float = Field(default=0.025, gt=0)
    least_chance: float = Field(default=0.01, ge=0, lt=1)
    on_hull_share: float = Field(default=0.5, ge=0, le=1)


class Discovery:
    """P(within the window) > least chance; ordered by what is expected to be found."""

    Settings: ClassVar[type[DiscoverySettings]] = DiscoverySettings
    states_chances: ClassVar[bool] = True

    def __init__(self, settings: DiscoverySettings) -> None:
        self.settings = settings

    def decide(self, predictions: Predictions, known: References, *, seed: int = 0) -> Decisions:  # noqa: ARG002
        """Value: chance to lie within the window; threshold: the least chance.

        Raises:
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
        """
        hull = hull_energies(predictions.formulas, known)
        on_hull = mixture_below(predictions, hull)
        near = mixture_below(predictions, hull + self.settings.window)
        share = self.settings.on_hull_share
        return decided(
            predictions,
            rule="discovery",
            keep=near > self.settings.least_chance,
            reasons=(Reason.LIKELY_ENOUGH, Reason.TOO_UNLIKELY),
            values=near,
            thresholds=self.settings.least_chance,
            margins=near - self.settings.least_chance,
            scores=share * shares(on_hull) + (1 - share) * shares(near),
            unit="probability",
        )
