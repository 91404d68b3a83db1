"""Extra-trees on all precursors at once: their Magpie features one after the other, then the actions.

The baseline of chapter 5 of the thesis of R. E. A. Goodall (Cambridge, 2021): no invariance, no attention. Precursors
stand in the order of their main cations; recipes with more of them than :data:`SLOTS` keep equal shares.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from aiida_mlhull.science.products.actions import action_counts
from aiida_mlhull.science.products.base import Products, fractions_of, normalized, precursors
from aiida_mlhull.science.products.shares import in_order, learnable, mixture, weighed_in
from aiida_mlhull.science.representations.composition import Composition
from aiida_mlhull.science.representations.magpie import magpie
from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.types.crystals import Floats

SLOTS: Final = 6
TREES: Final = 50
LEAF: Final = 2


class MagpieConcat:
    """Shares of the cations by slot. Amounts are not looked at."""

    needs_amounts = False

    def fit(self, recipes: Recipes, *, seed: int = 0) -> None:
        """Learn the shares of all slots together."""
        names, shares = learnable(recipes)
        rows = np.asarray([i for i, row in enumerate(names) if len(row) <= SLOTS], dtype=np.int64)
        wanted = np.zeros((len(rows), SLOTS))
        for place, row in enumerate(rows.tolist()):
            wanted[place, : len(shares[row])] = shares[row]
        self._forest = ExtraTreesRegressor(TREES, min_samples_leaf=LEAF, max_features=0.1, random_state=seed, n_jobs=1)
        self._forest.fit(_features([names[row] for row in rows.tolist()], action_counts(recipes)[rows]), wanted)

    def predict(self, recipes: Recipes) -> Products:
        """The products."""
        names = [in_order(one) for one in precursors(recipes)]
        found = self._forest.predict(_features([row[:SLOTS] for row in names], action_counts(recipes)))
        rows = []
        for given, values in zip(names, found, strict=True):
            shares = values[: len(given)] if len(given) <= SLOTS else np.full(len(given), 1.0 / len(given))
            rows.append(mixture(given, weighed_in(shares)))
        return Products(normalized(np.asarray(rows)))


def _features(names: list[list[Composition]], actions: Floats) -> Floats:
    """(n, SLOTS x 142 + 1 + actions) features of the precursors by slot, empty slots zero; their number; the actions."""
    different = sorted({one for row in names for one in row})
    described = dict(zip(different, magpie(fractions_of(different)), strict=True))
    width = len(described[different[0]])
    rows = np.zeros((len(names), SLOTS * width))
    for i, row in enumerate(names):
        for slot, one in enumerate(row):
            rows[i, slot * width : (slot + 1) * width] = described[one]
    return np.column_stack([rows, [len(row) for row in names], actions]).astype(np.float32)
