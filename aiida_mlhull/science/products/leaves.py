"""Extra-trees that answer with the weighted median of what their leaves hold."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from aiida_mlhull.science.types.crystals import Floats


class MedianTrees:
    """A few targets far from all others don't move a median.

    Each tree's leaf counts for one, however many rows it holds, as in the mean of a forest.

    Args:
        trees: how many.
        max_features: share of the features that a split may choose among.
        seed: of the splits.
    """

    def __init__(self, *, trees: int, max_features: float, seed: int) -> None:
        self._forest = ExtraTreesRegressor(trees, max_features=max_features, random_state=seed, n_jobs=1)

    def fit(self, features: Floats, wanted: Floats) -> MedianTrees:
        """Learn (n,) values from (n, f) features."""
        self._wanted = wanted
        self._forest.fit(features, wanted)
        self._leaves = self._forest.apply(features)
        return self

    def predict(self, features: Floats) -> Floats:
        """(n,) weighted medians."""
        asked = self._forest.apply(features)
        orders = np.argsort(self._leaves, axis=0, kind="stable")
        spans = []
        for tree in range(asked.shape[1]):
            numbers = self._leaves[orders[:, tree], tree]
            sides = [np.searchsorted(numbers, asked[:, tree], side=side) for side in ("left", "right")]
            spans.append(np.stack(sides, axis=1))
        found = np.zeros(len(asked))
        for row in range(len(asked)):
            parts = [orders[slice(*ends[row]), tree] for tree, ends in enumerate(spans)]
            values = self._wanted[np.concatenate(parts)]
            weights = np.concatenate([np.full(len(part), 1.0 / len(part)) for part in parts])
            order = np.argsort(values, kind="stable")
            found[row] = values[order][np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)]
        return found
