"""Keep what truly is stable: the upper end of the scale, for campaigns on published results."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from aiida_mlhull.science.errors import InputError, listed
from aiida_mlhull.science.hull import stability
from aiida_mlhull.science.triage.base import RuleSettings, decided
from aiida_mlhull.science.types import Decisions, Predictions, References
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.units import ON_HULL_TOLERANCE


class OracleSettings(RuleSettings):
    """The truth.

    Attributes:
        energies: id to true energy in eV/atom, of all candidates that will be asked about.
        within: eV/atom; rows at most this far above the true hull are kept.
    """

    energies: dict[str, float] = Field(default_factory=dict)
    within: float = Field(default=0.0, ge=0)


class Oracle:
    """True distance from the true hull of everything <= within."""

    Settings: ClassVar[type[OracleSettings]] = OracleSettings

    def __init__(self, settings: OracleSettings) -> None:
        self.settings = settings

    def decide(self, predictions: Predictions, known: References, *, seed: int = 0) -> Decisions:  # noqa: ARG002
        """Value: true distance; threshold: ``within``; score: minus the distance from all others.

        Raises:
            InputError: if the truth about a row is not known.
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
        """
        untold = [name for name in predictions.ids.tolist() if name not in self.settings.energies]
        if untold:
            raise InputError(f"the oracle was not told the true energies of {len(untold)} rows: {listed(untold)}")
        truth = np.asarray([self.settings.energies[name] for name in predictions.ids.tolist()], dtype=np.float64)
        found = stability(predictions.formulas, truth, known)
        limit = max(self.settings.within, ON_HULL_TOLERANCE)
        return decided(
            predictions,
            rule="oracle",
            keep=found.e_above_hull <= limit,
            reasons=(Reason.TRULY_WITHIN, Reason.TRULY_ABOVE),
            values=found.e_above_hull,
            thresholds=limit,
            margins=limit - found.e_above_hull,
            scores=-found.signed,
        )
