"""Extra-trees on one precursor among the others: the share of the product's cations that it brings."""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from aiida_mlhull.science.products.base import Products, normalized, precursors
from aiida_mlhull.science.products.scales import described
from aiida_mlhull.science.products.shares import in_order, learnable, mixture, weighed_in
from aiida_mlhull.science.representations.composition import Composition
from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.types.crystals import Floats

TREES: Final = 100
LEAF: Final = 2


class Trees:
    """Amounts are not looked at."""

    needs_amounts = False

    def fit(self, recipes: Recipes, *, seed: int = 0) -> None:
        """Learn shares, one row per precursor."""
        names, shares = learnable(recipes)
        rows = np.concatenate([_rows(one) for one in names])
        self._forest = ExtraTreesRegressor(TREES, min_samples_leaf=LEAF, max_features=0.5, random_state=seed, n_jobs=1)
        self._forest.fit(rows, np.concatenate(shares))

    def predict(self, recipes: Recipes) -> Products:
        """The products."""
        names = [in_order(one) for one in precursors(recipes)]
        values = self._forest.predict(np.concatenate([_rows(one) for one in names]))
        ends = np.cumsum([len(one) for one in names])[:-1]
        parts = np.split(values, ends)
        rows = [mixture(one, weighed_in(part)) for one, part in zip(names, parts, strict=True)]
        return Products(normalized(np.asarray(rows)))


def _rows(names: list[Composition]) -> Floats:
    """(p, f) every precursor's own features, then mean, smallest and largest ones of the others, and their number."""
    own = np.asarray([described(one) for one in names])
    rows = []
    for i in range(len(names)):
        others = np.delete(own, i, axis=0) if len(names) > 1 else own
        rows.append(np.concatenate([own[i], others.mean(axis=0), others.min(axis=0), others.max(axis=0), [len(names)]]))
    return np.asarray(rows)
