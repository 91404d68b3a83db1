"""From a target to the sources of its metals, as the literature chooses them."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Final, Literal

import numpy as np

from aiida_mlhull.science.recipes.literature import Literature
from aiida_mlhull.science.representations.composition import NUMBERS, Composition
from aiida_mlhull.science.types.crystals import Floats

NONMETALS: Final = frozenset(
    NUMBERS[s] for s in ("H", "He", "C", "N", "O", "F", "Ne", "P", "S", "Cl", "Ar", "Se", "Br", "Kr", "I", "Xe", "Rn")
)
WIDTH: Final = 0.12
"""Distance (half the summed differences of fractions) at which a recipe's weight has fallen to 1/e."""
PRIOR: Final = 0.05
"""Weight of a source's overall popularity beside its neighbors' votes."""
SOURCES: Final = 6
"""Sources of one metal that are combined."""


class Retrosynthesis:
    """Sets of metal sources, the likeliest first.

    Args:
        literature: published recipes.
        voting: ``popularity``: every recipe with a metal counts alike; ``similarity``: recipes count by nearness of
            the target, and by how many of its elements they share.
    """

    def __init__(self, literature: Literature, *, voting: Literal["popularity", "similarity"] = "similarity") -> None:
        self.voting = voting
        self._literature = literature
        self._sources: dict[int, list[tuple[int, Composition]]] = {}
        for row, names in enumerate(literature.sets):
            for one in names:
                for z in set(one.numbers) - NONMETALS:
                    self._sources.setdefault(z, []).append((row, one))

    def sets(self, target: Composition, *, top: int = 5) -> list[frozenset[Composition]]:
        """The likeliest sets of sources for the metals of a target; fewer where the literature lacks a metal."""
        metals = [z for z in target.numbers if z not in NONMETALS]
        weights = self._weights(target)
        choices = []
        for z in metals:
            votes: Counter[Composition] = Counter()
            for row, one in self._sources.get(z, []):
                if not set(one.numbers) - NONMETALS - set(metals):
                    votes[one] += weights[row]
            if not votes:
                return []
            whole = sum(votes.values())
            choices.append([(votes[one] / whole, one) for one, _ in votes.most_common(SOURCES)])
        best: dict[frozenset[Composition], float] = {}
        for combined in product(*choices):
            names = frozenset(one for _, one in combined)
            best[names] = max(best.get(names, 0.0), float(np.prod([chance for chance, _ in combined])))
        return heapq.nlargest(top, best, key=lambda names: (best[names], sorted(names)))

    def _weights(self, target: Composition) -> Floats:
        if self.voting == "popularity":
            return np.ones(len(self._literature))
        away = self._literature.distances(target)
        return np.asarray(np.exp(-away / WIDTH) + PRIOR * np.exp(-1.0 / WIDTH))


def metal_sources(names: frozenset[Composition]) -> frozenset[Composition]:
    """Of a recipe's precursors, those that bring a metal."""
    return frozenset(one for one in names if set(one.numbers) - NONMETALS)


def exact_sets(model: Retrosynthesis, literature: Literature, *, top: tuple[int, ...] = (1, 5)) -> dict[int, float]:
    """Share of published recipes whose metal sources are among the first 1, 5, ... sets."""
    hits = dict.fromkeys(top, 0)
    for target, names in _asked(literature):
        found = model.sets(target, top=max(top))
        for limit in top:
            hits[limit] += names in found[:limit]
    return {limit: count / max(len(literature), 1) for limit, count in hits.items()}


def _asked(literature: Literature) -> Iterator[tuple[Composition, frozenset[Composition]]]:
    for target, names in zip(literature.targets, literature.sets, strict=True):
        yield target, metal_sources(names)
