"""The floor: precursors in equal parts, and nothing leaves."""

from __future__ import annotations

import numpy as np

from aiida_mlhull.science.products.base import Products, fractions_of, precursors
from aiida_mlhull.science.types import Recipes


class Null:
    """The mean composition of the precursors."""

    needs_amounts = False

    def fit(self, recipes: Recipes, *, seed: int = 0) -> None:
        """Nothing is learned."""

    def predict(self, recipes: Recipes) -> Products:
        """The products."""
        return Products(np.asarray([fractions_of(one).mean(axis=0) for one in precursors(recipes)]))
