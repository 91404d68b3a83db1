"""Keep what may lie near the hull, and order it so that candidates of one composition compete.

`discovery` asks every candidate by itself. Thirty polymorphs that may all lie on the hull are then worth thirty times one,
though the composition has a single place there, and once the lowest is known the others are worth little. Here whole
worlds are drawn: a member, and errors of its size for every row, half of their variance common to the rows of a formula
(a model errs on a composition as a whole). In each world only the lowest row of a formula can lie on the hull, and what lies
within the window of the known hull must also do so above that row.

Late in a campaign, when little is left to be found, what members disagree about counts more than who competes; so the order
is a blend of both, half and half by default. What is kept is what `discovery` keeps.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from aiida_mlhull.science.hull import hull_energies
from aiida_mlhull.science.hull.sampling import SHARED
from aiida_mlhull.science.triage.base import RuleSettings, decided, mixture_below, shares
from aiida_mlhull.science.types import Decisions, Predictions, References
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.reasons import Reason


class CompetingSettings(RuleSettings):
    """What to look for, and how much competition counts.

    Attributes:
        window: eV/atom above the hull that still counts as near.
        least_chance: rows whose chance to lie within the window is not larger are dropped.
        on_hull_share: weight of the chance to lie on the hull in the order; the rest is the window's.
        blend: weight of the drawn worlds in the order; the rest is that of every row by itself, as in ``discovery``.
        worlds: so many are drawn.
        shared: share of a row's variance that it has in common with the other rows of its formula.
    """

    window: float = Field(default=0.025, gt=0)
    least_chance: float = Field(default=0.01, ge=0, lt=1)
    on_hull_share: float = Field(default=0.5, ge=0, le=1)
    blend: float = Field(default=0.5, ge=0, le=1)
    worlds: int = Field(default=400, ge=1)
    shared: float = Field(default=SHARED, ge=0, le=1)


class Competing:
    """P(within the window) > least chance; ordered by what is found in worlds where polymorphs compete."""

    Settings: ClassVar[type[CompetingSettings]] = CompetingSettings
    states_chances: ClassVar[bool] = True

    def __init__(self, settings: CompetingSettings) -> None:
        self.settings = settings

    def decide(self, predictions: Predictions, known: References, *, seed: int = 0) -> Decisions:
        """Value: chance to lie within the window, every row by itself; threshold: the least chance.

        Raises:
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
        """
        settings = self.settings
        hull = hull_energies(predictions.formulas, known)
        alone = (mixture_below(predictions, hull), mixture_below(predictions, hull + settings.window))
        together = competing_chances(
            predictions, hull, window=settings.window, worlds=settings.worlds, shared=settings.shared, seed=seed
        )
        near = alone[1]
        return decided(
            predictions,
            rule="competing",
            keep=near > settings.least_chance,
            reasons=(Reason.LIKELY_ENOUGH, Reason.TOO_UNLIKELY),
            values=near,
            thresholds=settings.least_chance,
            margins=near - settings.least_chance,
            scores=settings.blend * self._worth(*together) + (1 - settings.blend) * self._worth(*alone),
            unit="probability",
        )

    def _worth(self, on_hull: Floats, near: Floats) -> Floats:
        share = self.settings.on_hull_share
        return share * shares(on_hull) + (1 - share) * shares(near)


def competing_chances(
    predictions: Predictions, hull: Floats, *, window: float, worlds: int, shared: float, seed: int
) -> tuple[Floats, Floats]:
    """How often every row lies on the hull, and within a window of it, in worlds where rows of a formula compete.

    Compositions don't push each other off the hull here, as they do in
    :func:`~aiida_mlhull.science.hull.stable_chances`: that takes longer, and changes the order of few.

    Args:
        predictions: n rows.
        hull: (n,) eV/atom, hull of what is known at every row's composition.
        window: eV/atom.
        worlds: so many are drawn.
        shared: share of the variance that rows of a formula have in common.
        seed: the only source of chance.

    Returns:
        (n,) and (n,) shares of the worlds.
    """
    _, formula = np.unique(predictions.formulas, return_inverse=True)
    order = np.argsort(formula, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(formula[order]) > 0])[: len(order)]
    owner = formula[order]
    members, spreads = predictions.members[order], predictions.member_aleatoric[order]
    level = hull[order]
    rng = np.random.default_rng(seed)
    on_hull, near = np.zeros(len(order)), np.zeros(len(order))
    for member in rng.integers(members.shape[1], size=worlds) if len(order) else ():
        common = np.sqrt(shared) * rng.standard_normal(len(starts))[owner]
        own = np.sqrt(1.0 - shared) * rng.standard_normal(len(order))
        energies = members[:, member] + spreads[:, member] * (common + own)
        lowest = np.minimum.reduceat(energies, starts)[owner]
        on_hull += (energies == lowest) & (energies <= level)
        near += energies <= np.minimum(lowest, level) + window
    back = _inverse(order)
    return on_hull[back] / worlds, near[back] / worlds


def _inverse(order: Integers) -> Integers:
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return back
