"""The weighted mean of :mod:`~aiida_mlhull.science.products.reaction_graph` and :mod:`~aiida_mlhull.science.products.trees`.

On a fifth of the training systems the mean is nearer to the targets than either. Its elements are those of the network, since
a mean has those of both.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from aiida_mlhull.science.products.base import PRESENT, Products, normalized
from aiida_mlhull.science.products.reaction_graph import ReactionGraph
from aiida_mlhull.science.products.trees import Trees
from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.types.crystals import Floats

OF_GRAPH: Final = 0.7
"""Weight of the network; the best of 0.3, 0.5 and 0.7 on a fifth of the training systems, amounts not known."""


class GraphAndTrees:
    """Made for recipes without amounts; where they are known, only the network looks at them."""

    needs_amounts = False

    def __init__(self) -> None:
        self._graph, self._trees = ReactionGraph(), Trees()

    def fit(self, recipes: Recipes, *, seed: int = 0) -> None:
        """Both learn from all recipes."""
        self._graph.fit(recipes, seed=seed)
        self._trees.fit(recipes, seed=seed)

    def predict(self, recipes: Recipes) -> Products:
        """The products."""
        return Products(blended(self._graph.predict(recipes).fractions, self._trees.predict(recipes).fractions))


def blended(graph: Floats, trees: Floats) -> Floats:
    """(n, Z) weighted means over the elements of the network."""
    mean = OF_GRAPH * graph + (1.0 - OF_GRAPH) * trees
    return normalized(np.where(graph > PRESENT, np.maximum(mean, 2 * PRESENT), 0.0))
