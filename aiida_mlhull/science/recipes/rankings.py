"""Orders of reactions: each a class that gives every reaction a number, the lower the better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.hull.reactions.selectivity import Selectivity, Weights
from aiida_mlhull.science.recipes.literature import Literature
from aiida_mlhull.science.registry import Registry
from aiida_mlhull.science.representations.composition import Composition
from aiida_mlhull.science.types.crystals import Floats


@dataclass(frozen=True, eq=False)
class Choices:
    """What there is to choose from: r reactions to one target.

    Attributes:
        target: of all reactions.
        precursors: (r,) the reactants of each.
        scores: of each on the hull.
        literature: published recipes; None where there are none.
        weights: of Γ.
        seed: of what a ranking draws while it learns.
    """

    target: Composition
    precursors: list[tuple[Composition, ...]]
    scores: Selectivity
    literature: Literature | None
    weights: Weights
    seed: int = 0

    def published(self, asking: str) -> Literature:
        """The literature.

        Raises:
            InputError: if there is none.
        """
        if self.literature is None or not len(self.literature):
            raise InputError(f"the ranking {asking!r} needs published recipes: name them with --literature")
        return self.literature


class Ranking(Protocol):
    """An order of reactions."""

    def order(self, choices: Choices) -> Floats:
        """(r,) the lower the better; finite for reactions that give the target."""
        ...


class BySelectivity:
    """Γ of McDermott 2023."""

    def order(self, choices: Choices) -> Floats:
        """(r,) eV/atom."""
        return choices.scores.gamma(choices.weights)


class ByDrivingForce:
    """Reaction energy."""

    def order(self, choices: Choices) -> Floats:
        """(r,) eV/atom."""
        return choices.scores.reaction_energy


class ByInverseHull:
    """Chen 2024: the target as the deepest point comes first, then the most negative inverse hull energy."""

    def order(self, choices: Choices) -> Floats:
        """(r,) eV/atom, shallow ones shifted behind all others."""
        energies = choices.scores.inverse_hull
        behind = np.nanmax(np.abs(energies), initial=0.0) * 2 + 1.0
        return np.where(choices.scores.deepest, energies, energies + behind)


class ByPopularity:
    """Product of the shares that the literature gives the precursors."""

    def order(self, choices: Choices) -> Floats:
        """(r,) minus that product, between -1 and 0."""
        known = choices.published("popularity")
        shares = [[known.popularity(one, choices.target) for one in pair] for pair in choices.precursors]
        return np.asarray(-np.prod(np.asarray(shares).reshape(len(shares), -1), axis=1))


class BySimilarity:
    """Precursors of the most similar published targets (nearest neighbors in composition space)."""

    def order(self, choices: Choices) -> Floats:
        """(r,) minus the share of precursors in common with those of the neighbors, between -1 and 0."""
        votes = choices.published("similarity").votes(choices.target)
        sums = np.zeros(len(choices.precursors))
        for row, pair in enumerate(choices.precursors):
            mine = frozenset(pair)
            sums[row] = sum(weight * len(mine & other) / len(mine | other) for other, weight in votes.items())
        return -sums


class ByPareto:
    """Fronts of reaction energy, C1 and C2 (none of a front is worse than another one in all three), Γ within."""

    def order(self, choices: Choices) -> Floats:
        """(r,) number of the front plus a part below one that orders by Γ."""
        scores = choices.scores
        values = np.column_stack([scores.reaction_energy, scores.primary, scores.secondary])
        front = np.full(len(values), np.nan)
        left = np.flatnonzero(np.isfinite(values).all(axis=1))
        level = 0
        while len(left):
            mine = values[left]
            first = np.asarray([not _dominated(row, mine) for row in mine], dtype=bool)
            front[left[first]] = level
            left, level = left[~first], level + 1
        gamma = scores.gamma(choices.weights)
        place = np.argsort(np.argsort(gamma, kind="stable"), kind="stable")
        return front + place / max(len(place), 1)


def _dominated(row: Floats, others: Floats) -> bool:
    return bool(((others <= row).all(axis=1) & (others < row).any(axis=1)).any())


FROM_LITERATURE: Final = frozenset({"popularity", "similarity", "learned"})
"""Rankings that need published recipes."""
RANKINGS: Final = Registry(
    "ranking",
    {
        "selectivity": f"{__name__}:BySelectivity",
        "driving_force": f"{__name__}:ByDrivingForce",
        "inverse_hull": f"{__name__}:ByInverseHull",
        "popularity": f"{__name__}:ByPopularity",
        "similarity": f"{__name__}:BySimilarity",
        "learned": "aiida_mlhull.science.recipes.learned:ByLearned",
        "pareto": f"{__name__}:ByPareto",
    },
)
