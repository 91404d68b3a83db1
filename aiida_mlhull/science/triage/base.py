"""What a keep-rule has to offer, and the two shapes that its decisions take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np

from aiida_mlhull.science.hull import distances, stability
from aiida_mlhull.science.triage import RULES
from aiida_mlhull.science.types import Decisions, Predictions, References
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.strict import Strict, validated
from aiida_mlhull.science.types.table import Booleans, Strings
from aiida_mlhull.science.units import ON_HULL_TOLERANCE

Score = Literal["chance", "energy", "optimistic", "improvement"]
"""What makes a row worth relaxing: the probability to lie below the known hull; the predicted distance
from it alone; that distance less k σ (lower confidence bound); the energy by which the hull is expected
to sink (expected improvement)."""


class RuleSettings(Strict):
    """Base of every rule's settings: unknown keys are refused."""


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


@dataclass(frozen=True, eq=False)
class Evidence:
    """Where n predicted candidates lie with respect to the hull.

    Attributes:
        e_above_known: (n,) eV/atom, mean prediction above the hull of what is known; negative below.
        e_above_hull: (n,) eV/atom, mean prediction above the self-consistent hull of what is known and
            all predictions; never negative.
        signed: (n,) eV/atom, the same without the row itself: negative for those on that hull.
        sigma: (n,) eV/atom, the predictions' spread.
    """

    e_above_known: Floats
    e_above_hull: Floats
    signed: Floats
    sigma: Floats

    @property
    def chance(self) -> Floats:
        """(n,) probability to lie below the hull of what is known, each row for itself."""
        return chance_below(self.e_above_known, self.sigma)

    def by(self, score: Score, *, k: float = 1.0) -> Floats:
        """(n,) how much each row is worth relaxing next, see :data:`Score`; highest first."""
        if score == "chance":
            return self.chance
        if score == "energy":
            return -self.e_above_known
        if score == "optimistic":
            return k * self.sigma - self.e_above_known
        density = np.exp(-0.5 * np.square(self.e_above_known / self._spread)) / np.sqrt(2.0 * np.pi)
        gain = self.sigma * density - self.e_above_known * self.chance
        return np.asarray(np.maximum(gain, 0.0))

    @property
    def _spread(self) -> Floats:
        """(n,) σ, without zeros to divide by."""
        return np.maximum(self.sigma, ON_HULL_TOLERANCE)

    @property
    def in_sigmas(self) -> Floats:
        """(n,) distance from the self-consistent hull in units of σ."""
        return self.e_above_hull / self._spread


def states_chances(rule: Any) -> bool:
    """Whether a rule's values are chances to lie within the ``window`` of its settings."""
    return bool(getattr(rule, "states_chances", False))


def weigh(predictions: Predictions, known: References) -> Evidence:
    """Put every prediction against both hulls.

    Raises:
        MissingEndMembersError: if ``known`` lacks an element of a candidate.
    """
    mean = predictions.mean
    both = stability(predictions.formulas, mean, known)
    return Evidence(
        e_above_known=distances(predictions.formulas, mean, known).e_above_hull,
        e_above_hull=both.e_above_hull,
        signed=both.signed,
        sigma=predictions.sigma,
    )


def rule_called(name: str, settings: Mapping[str, Any]) -> Any:
    """A keep-rule of the registry with its settings.

    Args:
        name: in :data:`~aiida_mlhull.science.triage.RULES`.
        settings: that differ from the rule's defaults.

    Raises:
        UnknownNameError: if there is no such rule.
        SettingsError: if its settings are wrong.
    """
    rule = RULES[name]
    return rule(validated(rule.Settings, settings, what=f"keep-rule {name}"))


def chance_below(distance: Floats, sigma: Floats) -> Floats:
    """Φ(-distance/σ): probability of a true value below zero; without spread it is 0, 1/2 or 1."""
    from scipy.special import ndtr  # noqa: PLC0415  (half a second to import, of those who decide only)

    spread = np.where(sigma > 0, sigma, 1.0)
    return np.where(sigma > 0, ndtr(-distance / spread), (1.0 - np.sign(distance)) / 2.0)


def mixture_below(predictions: Predictions, energies: Floats) -> Floats:
    """(n,) chance to lie below ``energies`` (n,), averaged over the members: one that believes in a row is heard."""
    distance = predictions.members - energies[:, None]
    return np.asarray(chance_below(distance, predictions.member_aleatoric).mean(axis=1))


def shares(chances: Floats) -> Floats:
    """Every row's share of what is expected altogether."""
    total = float(chances.sum())
    return chances / total if total > 0 else chances


def decided(
    predictions: Predictions,
    *,
    rule: str,
    keep: Booleans,
    reasons: tuple[str, str],
    values: Floats,
    thresholds: Floats | float,
    margins: Floats,
    scores: Floats,
    unit: str = "eV/atom",
) -> Decisions:
    """Decisions in the order of the predictions; ``reasons`` are the codes of kept and dropped rows."""
    words: Strings = np.where(keep, *reasons)
    return Decisions(
        ids=predictions.ids,
        formulas=predictions.formulas,
        keep=keep,
        reasons=words,
        values=values,
        thresholds=np.broadcast_to(np.asarray(thresholds, dtype=np.float64), values.shape).copy(),
        margins=margins,
        scores=scores,
        rule=rule,
        unit=unit,
    )


def by_threshold(
    predictions: Predictions,
    *,
    rule: str,
    values: Floats,
    thresholds: Floats | float,
    scores: Floats,
    unit: str = "eV/atom",
) -> Decisions:
    """Keep the rows whose value lies below the threshold."""
    return decided(
        predictions,
        rule=rule,
        keep=values < thresholds,
        reasons=(Reason.WITHIN_THRESHOLD, Reason.ABOVE_THRESHOLD),
        values=values,
        thresholds=thresholds,
        margins=thresholds - values,
        scores=scores,
        unit=unit,
    )


def ranks(scores: Floats) -> Integers:
    """(n,) 1 for the highest score; equal scores in the order of rows, which is that of ids."""
    order = np.argsort(-scores, kind="stable")
    found = np.empty(len(scores), dtype=np.int64)
    found[order] = np.arange(1, len(scores) + 1)
    return found


def by_rank(predictions: Predictions, *, rule: str, scores: Floats, n: int) -> Decisions:
    """Keep the ``n`` rows with the highest scores; the value is the rank, the threshold n."""
    rank = ranks(scores).astype(np.float64)
    return decided(
        predictions,
        rule=rule,
        keep=rank <= n,
        reasons=(Reason.RANK_WITHIN_N, Reason.RANK_ABOVE_N),
        values=rank,
        thresholds=n,
        margins=n - rank,
        scores=scores,
        unit="rank",
    )
