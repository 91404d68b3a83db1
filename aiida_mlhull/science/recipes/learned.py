"""Sources of a target's metals by boosted trees that have learned from published recipes which ones are chosen.

First the source of each metal alone, then which of the likeliest sets: what two sources have to do with each other is the
second question. It has to be asked of chances as good as those of a new target, so that of the two models of the first
stage each learns from half of the chemical systems and answers for the other half; new targets get the mean of both.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from aiida_mlhull.science.recipes.literature import Literature
from aiida_mlhull.science.recipes.retrosynthesis import metal_sources
from aiida_mlhull.science.recipes.set_features import Names, SetTable
from aiida_mlhull.science.recipes.source_features import Question, SourceTable
from aiida_mlhull.science.representations.composition import Composition
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Booleans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiida_mlhull.science.recipes.rankings import Choices

Chances: TypeAlias = dict[int, dict[Composition, float]]
"""Metal to its sources with their chances."""
LEARNED_FROM: Final = 8000
"""Recipes, drawn by chance, that the trees of the first stage learn from; all recipes vote."""
ORDERED_FROM: Final = 4000
"""Of these, so many teach the second stage."""
FEWEST: Final = 500
"""Rows (a source of a metal of a target) below which nothing is learned, and the votes of near targets are all there is."""
FIRST: Final = {
    "max_iter": 100,
    "learning_rate": 0.08,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 40,
    "max_features": 0.3,
}
LATER: Final = {
    "max_iter": 100,
    "learning_rate": 0.06,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 60,
    "max_features": 0.3,
}
"""Of the trees of the first and the second stage."""
FLOOR: Final = 1e-4
"""Chance of a source that no recipe has the metal from, in a target like this."""
NEAR: Final = 1
"""Column of the features: share of the votes of near targets."""


class LearnedSources:
    """Sets of metal sources, the likeliest first.

    Args:
        literature: published recipes, to count and to learn from.
        seed: of what is drawn.
        recipes: that the trees learn from.
    """

    def __init__(self, literature: Literature, *, seed: int = 0, recipes: int = LEARNED_FROM) -> None:
        self._table = SourceTable(literature, seed=seed)
        self._whole = SetTable(self._table)
        rows = np.random.default_rng(seed).permutation(len(literature))[:recipes].tolist()
        asked = {row: self._table.questions(literature.targets[row], unseen=True) for row in rows}
        used = {row: self._placed(metal_sources(literature.sets[row])) for row in rows}
        self._single: list[HistGradientBoostingClassifier] = []
        self._order: HistGradientBoostingClassifier | None = None
        for half in (0, 1):
            mine = sorted(row for row in rows if self._half(row) == half and asked[row])
            features = [one.features for row in mine for one in asked[row]]
            chosen = [np.isin(one.sources, list(used[row])) for row in mine for one in asked[row]]
            fitted = _fitted(features, chosen, settings=FIRST, seed=seed)
            if fitted is None:
                self._single = []
                return
            self._single.append(fitted)
        features, chosen = [], []
        for row in rows[:ORDERED_FROM]:
            found = self._values(asked[row], models=[self._single[1 - self._half(row)]])
            logs = self._whole.candidates(literature.targets[row], asked[row], found) if found else {}
            if used[row] in logs:
                told = self._whole.features(literature.targets[row], logs, asked[row], found, unseen=True)
                features.append(told)
                chosen.append(np.asarray([names == used[row] for names in logs]))
        self._order = _fitted(features, chosen, settings=LATER, seed=seed)

    def _half(self, row: int) -> int:
        return int(self._table.parts[row]) % 2

    def _placed(self, names: frozenset[Composition]) -> Names:
        return frozenset(self._table.place.get(one, -1) for one in names)

    def _values(
        self, asked: list[Question], *, models: Sequence[HistGradientBoostingClassifier] | None = None
    ) -> list[Floats]:
        """For every metal, the chances of its sources, which sum to one."""
        if not asked:
            return []
        rows = np.concatenate([one.features for one in asked])
        trees = self._single if models is None else models
        told = [model.predict_proba(rows)[:, 1] for model in trees] or [rows[:, NEAR]]
        found = np.maximum(np.mean(told, axis=0, dtype=np.float64), FLOOR**2)
        parts = np.split(found, np.cumsum([len(one.sources) for one in asked])[:-1])
        return [part / part.sum() for part in parts]

    def chances(self, target: Composition) -> Chances:
        """Metal to its sources with their chances, which sum to one; empty where a metal has none."""
        asked = self._table.questions(target)
        return {
            one.metal: {self._table.sources[i]: float(p) for i, p in zip(one.sources.tolist(), found, strict=True)}
            for one, found in zip(asked, self._values(asked), strict=True)
        }

    def sets(self, target: Composition, *, top: int = 5) -> list[frozenset[Composition]]:
        """The likeliest sets of sources for the metals of a target; fewer where the literature lacks a metal."""
        asked = self._table.questions(target)
        found = self._values(asked)
        if not found:
            return []
        logs = self._whole.candidates(target, asked, found)
        scores = self._scores(target, logs, asked, found)
        first = sorted(logs, key=lambda names: (-scores[names], sorted(names)))[:top]
        return [frozenset(self._table.sources[i] for i in names) for names in first]

    def log_chances(self, target: Composition, sets: Sequence[frozenset[Composition]]) -> Floats:
        """(s,) logarithms of the chances of given sets, among the likeliest ones of the target.

        Sets that leave a metal without a source, or hold a source of none, have that of :func:`log_chance`.
        """
        asked = self._table.questions(target)
        found, chances = self._values(asked), self.chances(target)
        plain = [log_chance(names, chances) for names in sets]
        if self._order is None or not found:
            return np.asarray(plain)
        placed = [self._placed(metal_sources(names)) for names in sets]
        sources = [frozenset(one.sources.tolist()) for one in asked]
        whole = [all(names & some for some in sources) and names <= frozenset().union(*sources) for names in placed]
        logs = self._whole.candidates(target, asked, found)
        more = {n: p for n, p, complete in zip(placed, plain, whole, strict=True) if complete and n not in logs}
        scores = self._scores(target, logs | more, asked, found)
        return np.asarray([scores[n] if w else p for n, p, w in zip(placed, plain, whole, strict=True)])

    def _scores(
        self, target: Composition, logs: dict[Names, float], asked: list[Question], found: list[Floats]
    ) -> dict[Names, float]:
        """Logarithm of every set's chance; with metals taken as independent where no second stage has learned."""
        if self._order is None:
            return logs
        told = self._order.predict_proba(self._whole.features(target, logs, asked, found))[:, 1]
        return dict(zip(logs, np.log(told).tolist(), strict=True))


def _fitted(
    features: list[Floats], chosen: list[Booleans], *, settings: dict[str, float], seed: int
) -> HistGradientBoostingClassifier | None:
    """Boosted trees; None where there is too little to learn from."""
    wanted = np.concatenate(chosen) if chosen else np.empty(0, dtype=bool)
    if len(wanted) < FEWEST or not 0 < wanted.sum() < len(wanted):
        return None
    trees = HistGradientBoostingClassifier(l2_regularization=1.0, early_stopping=False, random_state=seed, **settings)
    return trees.fit(np.concatenate(features), wanted)


def log_chance(names: frozenset[Composition], chances: Chances) -> float:
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
        return -model.log_chances(choices.target, [frozenset(one) for one in choices.precursors])
