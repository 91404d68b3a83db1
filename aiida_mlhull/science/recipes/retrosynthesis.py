"""From a target to the sources of its metals, as the literature chooses them."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, product
from typing import Final, Literal, Protocol

import numpy as np

from aiida_mlhull.science.recipes.literature import Literature
from aiida_mlhull.science.representations.composition import NUMBERS, Composition
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Booleans

NONMETALS: Final = frozenset(
    NUMBERS[s] for s in ("H", "He", "C", "N", "O", "F", "Ne", "P", "S", "Cl", "Ar", "Se", "Br", "Kr", "I", "Xe", "Rn")
)
WIDTH: Final = 0.08
"""Distance (half the summed differences of fractions) at which a recipe's weight has fallen to 1/e."""
TOGETHER: Final = 0.25
"""How much it counts that two sources occur together more often than by chance. This and the width are the best of 28
pairs on 150 targets of a fifth of the training systems; their neighbors are as good within the error."""
RARE: Final = 1.0
"""Occurrences that are added to those seen and to those expected."""
PRIOR: Final = 0.05
"""Weight of a source's overall popularity beside its neighbors' votes."""
SOURCES: Final = (6, 6, 6, 6, 4, 4, 3)
"""Sources of one metal that are combined, by the number of metals; as many as the last says for more of them."""


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
        together = [metal_sources(names) for names in literature.sets]
        self._uses = Counter(one for names in together for one in names)
        self._pairs = Counter(frozenset(two) for names in together for two in combinations(names, 2))

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
            most = SOURCES[min(len(metals), len(SOURCES) - 1)]
            choices.append([(votes[one] / whole, one) for one, _ in votes.most_common(most)])
        best: dict[frozenset[Composition], float] = {}
        for combined in product(*choices):
            names = frozenset(one for _, one in combined)
            score = float(np.log([chance for chance, _ in combined]).sum()) + self._together(names)
            best[names] = max(best.get(names, -np.inf), score)
        return heapq.nlargest(top, best, key=lambda names: (best[names], sorted(names)))

    def _together(self, names: frozenset[Composition]) -> float:
        """Weighted mean of how much oftener than by chance each source occurs with the others (pointwise information)."""
        if self.voting == "popularity" or len(names) < 2:  # noqa: PLR2004
            return 0.0
        whole = max(len(self._literature), 1)
        found = [
            np.log((self._pairs[frozenset((a, b))] + RARE) / (self._uses[a] * self._uses[b] / whole + RARE))
            for a, b in combinations(sorted(names), 2)
        ]
        return float(TOGETHER * sum(found) / (len(names) - 1))

    def _weights(self, target: Composition) -> Floats:
        if self.voting == "popularity":
            return np.ones(len(self._literature))
        away = self._literature.distances(target)
        return np.asarray(np.exp(-away / WIDTH) + PRIOR * np.exp(-1.0 / WIDTH))


def metal_sources(names: frozenset[Composition]) -> frozenset[Composition]:
    """Of a recipe's precursors, those that bring a metal."""
    return frozenset(one for one in names if set(one.numbers) - NONMETALS)


class Sets(Protocol):
    """Whatever names sets of metal sources."""

    def sets(self, target: Composition, *, top: int = 5) -> list[frozenset[Composition]]:
        """The likeliest ones, in order."""
        ...


def places(model: Sets, literature: Literature, *, top: int = 5) -> Integers:
    """(n,) place of every published set of metal sources among the first ones, counted from zero; ``top`` where it is none."""
    found = []
    for target, names in _asked(literature):
        first = model.sets(target, top=top)
        found.append(first.index(names) if names in first else top)
    return np.asarray(found, dtype=np.int64)


def exact_sets(model: Sets, literature: Literature, *, top: tuple[int, ...] = (1, 5)) -> dict[int, float]:
    """Share of published recipes whose metal sources are among the first 1, 5, ... sets."""
    found = places(model, literature, top=max(top))
    return {limit: float((found < limit).sum()) / max(len(literature), 1) for limit in top}


def reachable(known: Literature, asked: Literature) -> tuple[Booleans, Booleans]:
    """What any model can find at all.

    Returns:
        (n,) whether all metals of the published sources are in the target as it is written; (n,) whether, besides, all of
        these sources occur in the recipes that are known.
    """
    before = set(known.uses)
    written = [
        all(set(one.numbers) - NONMETALS <= set(target.numbers) for one in names) for target, names in _asked(asked)
    ]
    seen = [names <= before for _, names in _asked(asked)]
    return np.asarray(written, dtype=bool), np.asarray(written, dtype=bool) & np.asarray(seen, dtype=bool)


def _asked(literature: Literature) -> Iterator[tuple[Composition, frozenset[Composition]]]:
    for target, names in zip(literature.targets, literature.sets, strict=True):
        yield target, metal_sources(names)
