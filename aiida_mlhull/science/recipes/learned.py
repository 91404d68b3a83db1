"""Sources of a target's metals by boosted trees that have learned from published recipes which ones are chosen."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from aiida_mlhull.science.recipes.literature import Literature
from aiida_mlhull.science.recipes.retrosynthesis import metal_sources
from aiida_mlhull.science.recipes.source_features import Question, SourceTable
from aiida_mlhull.science.representations.composition import Composition
from aiida_mlhull.science.types.crystals import Floats

if TYPE_CHECKING:
    from aiida_mlhull.science.recipes.rankings import Choices

LEARNED_FROM: Final = 8000
"""Recipes, drawn by chance, that the trees learn from; all of them vote."""
FEWEST: Final = 500
"""Rows (a source of a metal of a target) below which nothing is learned, and the votes of near targets are all there is."""
ROUNDS: Final = 100
RATE: Final = 0.08
LEAVES: Final = 31
LEAF: Final = 40
WIDE: Final = 60
"""Sets that are kept while metals are added one after the other."""
FLOOR: Final = 1e-4
"""Chance of a source that no recipe has the metal from, in a target like this."""
NEAR: Final = 1
"""Column of the features: share of the votes of near targets."""


class LearnedSources:
    """Sets of metal sources with their chance: that of each metal's source, multiplied.

    Args:
        literature: published recipes, to count and to learn from.
        seed: of what is drawn.
        recipes: that the trees learn from.
    """

    def __init__(self, literature: Literature, *, seed: int = 0, recipes: int = LEARNED_FROM) -> None:
        self._table = SourceTable(literature, seed=seed)
        rows = np.random.default_rng(seed).permutation(len(literature))[:recipes]
        features, chosen = [np.empty((0, 0))], [np.empty(0, dtype=bool)]
        for row in np.sort(rows).tolist():
            used = {self._table.place[one] for one in metal_sources(literature.sets[row])}
            for one in self._table.questions(literature.targets[row], unseen=True):
                features.append(one.features)
                chosen.append(np.isin(one.sources, list(used)))
        wanted = np.concatenate(chosen)
        self._trees: HistGradientBoostingClassifier | None = None
        if len(wanted) >= FEWEST and 0 < wanted.sum() < len(wanted):
            self._trees = HistGradientBoostingClassifier(
                max_iter=ROUNDS, learning_rate=RATE, max_leaf_nodes=LEAVES, min_samples_leaf=LEAF, l2_regularization=1.0,
                max_features=0.3, early_stopping=False, random_state=seed,
            )  # fmt: skip
            self._trees.fit(np.concatenate(features[1:]), wanted)

    def chances(self, target: Composition) -> dict[int, dict[Composition, float]]:
        """Metal to its sources with their chances, which sum to one; empty where a metal has none."""
        asked = self._table.questions(target)
        if not asked:
            return {}
        values = np.split(self._values(asked), np.cumsum([len(one.sources) for one in asked])[:-1])
        return {
            one.metal: dict(
                zip((self._table.sources[i] for i in one.sources), (part / part.sum()).tolist(), strict=True)
            )
            for one, part in zip(asked, values, strict=True)
        }

    def _values(self, asked: list[Question]) -> Floats:
        rows = np.concatenate([one.features for one in asked])
        found = rows[:, NEAR] if self._trees is None else self._trees.predict_proba(rows)[:, 1]
        return np.maximum(np.asarray(found, dtype=np.float64), FLOOR**2)

    def sets(self, target: Composition, *, top: int = 5) -> list[frozenset[Composition]]:
        """The likeliest sets of sources for the metals of a target; fewer where the literature lacks a metal."""
        best: dict[frozenset[Composition], float] = {frozenset(): 0.0}
        chances = self.chances(target)
        for sources in chances.values():
            longer: dict[frozenset[Composition], float] = {}
            for names, sofar in best.items():
                for one, chance in sources.items():
                    both = names | {one}
                    longer[both] = max(longer.get(both, -np.inf), sofar + float(np.log(chance)))
            best = dict(sorted(longer.items(), key=lambda item: (-item[1], sorted(item[0])))[:WIDE])
        return list(best)[:top] if chances else []


def log_chance(names: frozenset[Composition], chances: dict[int, dict[Composition, float]]) -> float:
    """Of a given set: every metal's likeliest source in it; :data:`FLOOR` for a metal without one, and for what is left over."""
    total, useful = 0.0, set()
    for sources in chances.values():
        inside = {one: sources[one] for one in names if one in sources}
        best = max(inside, key=lambda one: (inside[one], one), default=None)
        total += float(np.log(FLOOR if best is None else max(inside[best], FLOOR)))
        useful |= {best}
    return total + float(np.log(FLOOR)) * len(metal_sources(names) - useful)


@lru_cache(maxsize=1)
def learned_from(literature: Literature, *, seed: int) -> LearnedSources:
    """The trees that have learned from these recipes, kept for the next target."""
    return LearnedSources(literature, seed=seed)


class ByLearned:
    """Chance of the set of metal sources, after boosted trees that have learned from the literature."""

    def order(self, choices: Choices) -> Floats:
        """(r,) minus the logarithm of the chance."""
        model = learned_from(choices.published("learned"), seed=choices.seed)
        chances = model.chances(choices.target)
        return np.asarray([-log_chance(frozenset(one), chances) for one in choices.precursors])
