"""One element among the others: whether the product holds it, and how much.

Two models look at every element of the precursors beside those that stand around it. Boosted trees say whether the product is
written with it: dopants often aren't, and volatile elements leave. Extra-trees say what share of the product's atoms it
has if it is there; the median over their leaves is taken, since few targets are far from all others. Shares of one product are
then divided by their sum.

Which elements there are stands among the features one by one, and as counts by group: what was
published of a system's neighbors counts most, and splits by the one or the other find it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from aiida_mlhull.science.products.actions import action_counts, in_gases
from aiida_mlhull.science.products.base import (
    ELEMENTS,
    PRESENT,
    Products,
    atoms_of,
    fractions_of,
    normalized,
    precursors,
    targets,
)
from aiida_mlhull.science.products.leaves import MedianTrees
from aiida_mlhull.science.products.scales import ANIONS, CATIONS, places, valences
from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.types.crystals import Floats, Integers

BOOSTED: Final = 4
"""Series of boosted trees whose chances are averaged."""
TREES: Final = 100
LANTHANIDES: Final = range(NUMBERS["La"], NUMBERS["Lu"] + 1)
ACTINIDES: Final = range(NUMBERS["Ac"], NUMBERS["Lr"] + 1)


class ElementTrees:
    """Amounts are not looked at."""

    needs_amounts = False

    def fit(self, recipes: Recipes, *, seed: int = 0) -> None:
        """Learn from every element of every recipe's precursors."""
        asked, features = _elements(recipes)
        wanted = targets(recipes)[tuple(asked.T)]
        there = wanted > PRESENT
        self._there = [] if there.all() else [_series(features, there, seed=BOOSTED * seed + k) for k in range(BOOSTED)]
        self._shares = MedianTrees(trees=TREES, max_features=0.2, seed=seed)
        self._shares.fit(features[there], wanted[there])

    def predict(self, recipes: Recipes) -> Products:
        """The products; the likeliest element if none is likely."""
        asked, features = _elements(recipes)
        said = [one.predict_proba(features)[:, 1] for one in self._there]
        chances = np.mean(said, axis=0) if said else np.ones(len(asked))
        by_recipe = np.zeros((len(recipes), ELEMENTS))
        by_recipe[tuple(asked.T)] = chances
        there = chances >= np.minimum(0.5, by_recipe.max(axis=1))[asked[:, 0]]
        shares = np.maximum(self._shares.predict(features), 2 * PRESENT)
        found = np.zeros_like(by_recipe)
        found[tuple(asked.T)] = np.where(there, shares, 0.0)
        return Products(normalized(found))


def _series(features: Floats, there: NDArray[np.bool_], *, seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=300,
        learning_rate=0.06,
        min_samples_leaf=10,
        max_features=0.3,
        categorical_features=[0],
        random_state=seed,
    ).fit(features, there)


def _elements(recipes: Recipes) -> tuple[Integers, Floats]:
    """(r, 2) recipe and column of every element that a recipe's precursors hold; (r, f) its features, the first its column."""
    names = precursors(recipes)
    atoms = [atoms_of(row) for row in names]
    equal = np.asarray([fractions_of(row).mean(axis=0) for row in names])
    around = np.column_stack([_around(equal), action_counts(recipes), in_gases(recipes), _heated(recipes)])
    asked, own = [], []
    for recipe, matrix in enumerate(atoms):
        there = np.flatnonzero(matrix.sum(axis=0) > 0)
        metals = np.intersect1d(there, CATIONS)
        context = _properties()[metals if len(metals) else there]
        spread = np.concatenate([context.mean(axis=0), context.min(axis=0), context.max(axis=0)])
        for column in there.tolist():
            asked.append((recipe, column))
            own.append(
                np.concatenate([_own(column, matrix, metals, equal[recipe]), spread, [len(matrix), len(metals)]])
            )
    rows = np.asarray(asked, dtype=np.int64).reshape(-1, 2)
    return rows, np.column_stack([np.asarray(own), around[rows[:, 0]]]).astype(np.float32)


def _own(column: int, matrix: Floats, metals: Integers, equal: Floats) -> Floats:
    """The element; its place among the metals; its sources: how many, of how many elements, with how much of what per metal."""
    sources = matrix[matrix[:, column] > 0]
    one = sources.sum(axis=0)
    carried = one[[NUMBERS[symbol] - 1 for symbol in ANIONS]] / (one[metals].sum() or 1.0)
    before = (places()[metals] < places()[column]).sum()
    counts = [before, len(sources), (one > 0).sum(), equal[column]]
    return np.concatenate([[column], _properties()[column], counts, carried])


def _around(equal: Floats) -> Floats:
    """(n, f) which elements there are, how many of each group, and what oxides of equal moles would hold per metal."""
    there = (equal > 0).astype(float)
    metals = equal[:, CATIONS]
    whole = np.maximum(metals.sum(axis=1, keepdims=True), PRESENT)
    oxygen = metals @ valences()[CATIONS] / 2 / whole
    return np.column_stack([there, there @ _groups(), oxygen, metals.max(axis=1, keepdims=True) / whole])


def _heated(recipes: Recipes) -> Floats:
    """(n, 2) °C and hours; -1 where they are not known."""
    return np.nan_to_num(np.column_stack([recipes.temperatures, recipes.hours]), nan=-1.0)


@lru_cache(maxsize=1)
def _properties() -> Floats:
    """(Z, 10) of the elements."""
    table = element_table()
    known = [table.electronegativity, table.covalent_radius, table.atomic_volume, table.group, table.row]
    lanthanides = np.isin(np.arange(1, ELEMENTS + 1), LANTHANIDES)
    return np.column_stack([places(), *(column[1:] for column in known), valences(), lanthanides])


@lru_cache(maxsize=1)
def _groups() -> Floats:
    """(Z, 21) the group of every element, or lanthanides, or actinides; and its period."""
    table, numbers = element_table(), np.arange(1, ELEMENTS + 1)
    inner = np.column_stack([np.isin(numbers, LANTHANIDES), np.isin(numbers, ACTINIDES)])
    groups = (table.group[1:, None] == np.arange(1, 19)) & ~inner.any(axis=1, keepdims=True)
    return np.column_stack([groups, inner, table.row[1:]]).astype(float)
