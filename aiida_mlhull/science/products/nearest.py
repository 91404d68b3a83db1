"""Shares of the cations as in the published recipe whose precursors are most alike."""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.neighbors import NearestNeighbors

from aiida_mlhull.science.products.base import Products, normalized, precursors
from aiida_mlhull.science.products.scales import described
from aiida_mlhull.science.products.shares import in_order, learnable, mixture, weighed_in
from aiida_mlhull.science.representations.composition import Composition
from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.types.crystals import Floats

NEIGHBORS: Final = 1


class Nearest:
    """Recipes are compared with those of as many precursors, place by place. Amounts are not looked at."""

    needs_amounts = False

    def fit(self, recipes: Recipes, *, seed: int = 0) -> None:  # noqa: ARG002  (nothing is drawn)
        """Keep the shares of all recipes."""
        names, shares = learnable(recipes)
        flat = np.asarray([described(one) for row in names for one in row])
        self._spread: Floats = np.where(flat.std(axis=0) > 0, flat.std(axis=0), 1.0)
        self._tables: dict[int, tuple[NearestNeighbors, Floats]] = {}
        for size in sorted({len(row) for row in names}):
            rows = [i for i, row in enumerate(names) if len(row) == size]
            points = np.asarray([self._point(names[i]) for i in rows])
            self._tables[size] = (
                NearestNeighbors(n_neighbors=NEIGHBORS).fit(points),
                np.asarray([shares[i] for i in rows]),
            )

    def _point(self, names: list[Composition]) -> Floats:
        return np.concatenate([np.asarray(described(one)) / self._spread for one in names])

    def predict(self, recipes: Recipes) -> Products:
        """The products; recipes of a size that nothing was published of get equal shares."""
        rows = []
        for given in precursors(recipes):
            names = in_order(given)
            shares = np.full(len(names), 1.0 / len(names))
            if len(names) in self._tables:
                index, known = self._tables[len(names)]
                near = index.kneighbors(self._point(names)[None], return_distance=False)[0]
                shares = known[near].mean(axis=0)
            rows.append(mixture(names, weighed_in(shares)))
        return Products(normalized(np.asarray(rows)))
