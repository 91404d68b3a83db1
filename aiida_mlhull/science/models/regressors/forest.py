"""Extra-trees as plain arrays: fitted by scikit-learn, kept and asked without it.

Source: Geurts, Ernst and Wehenkel, Mach. Learn. 63 (2006) 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.types.crystals import Floats


@dataclass(frozen=True, eq=False)
class Forest:
    """T trees, their nodes one after the other in depth-first order: a left child follows its parent.

    Attributes:
        roots: (T,), first node of every tree.
        features: (V,), column that the node looks at; -1 in a leaf.
        splits: (V,), the largest value that goes left; in a leaf its value.
        rights: (V,), node number of the right child; 0 in a leaf.
    """

    roots: NDArray[np.int32]
    features: NDArray[np.int16]
    splits: NDArray[np.float32]
    rights: NDArray[np.int32]

    @classmethod
    def fit(
        cls, rows: Floats, targets: Floats, *, trees: int, max_features: float, min_samples_leaf: int, seed: int
    ) -> Forest:
        """Grow ``trees`` extremely randomized trees on (n, D) ``rows``."""
        from sklearn.ensemble import ExtraTreesRegressor  # noqa: PLC0415  (slow import, not needed to predict)

        forest = ExtraTreesRegressor(
            trees, max_features=max_features, min_samples_leaf=min_samples_leaf, random_state=seed, n_jobs=1
        )
        return cls.from_sklearn(forest.fit(rows, targets))

    @classmethod
    def bagged(
        cls, rows: Floats, targets: Floats, *, trees: int, max_features: float, min_samples_leaf: int, seed: int
    ) -> Forest:
        """Grow a random forest (Breiman, Mach. Learn. 45 (2001) 5): best splits, each tree on a bootstrap sample."""
        from sklearn.ensemble import RandomForestRegressor  # noqa: PLC0415  (slow import, not needed to predict)

        forest = RandomForestRegressor(
            trees, max_features=max_features, min_samples_leaf=min_samples_leaf, random_state=seed, n_jobs=1
        )
        return cls.from_sklearn(forest.fit(rows, targets))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The four arrays by name."""
        return {"roots": self.roots, "features": self.features, "splits": self.splits, "rights": self.rights}

    @classmethod
    def from_sklearn(cls, forest: Any) -> Forest:
        """Flatten a fitted scikit-learn forest.

        Rows are compared as float32 there, so that a threshold may be rounded down to float32 and still
        send every row the same way.
        """
        grown = [estimator.tree_ for estimator in forest.estimators_]
        sizes = [tree.node_count for tree in grown]
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
        leaf = np.concatenate([tree.children_left for tree in grown]) < 0
        thresholds = np.concatenate([tree.threshold for tree in grown])
        floors = thresholds.astype(np.float32)
        floors = np.where(floors > thresholds, np.nextafter(floors, np.float32(-np.inf)), floors)
        values = np.concatenate([tree.value[:, 0, 0] for tree in grown]).astype(np.float32)
        rights = np.concatenate([tree.children_right for tree in grown]) + np.repeat(roots, sizes)
        features = np.concatenate([tree.feature for tree in grown])
        return cls(
            roots=roots,
            features=np.where(leaf, -1, features).astype(np.int16),
            splits=np.where(leaf, values, floors).astype(np.float32),
            rights=np.where(leaf, 0, rights).astype(np.int32),
        )

    def predict(self, rows: Floats) -> Floats:
        """(n, T) every tree's value for (n, D) ``rows``."""
        columns = np.asarray(rows, dtype=np.float32)
        trees = len(self.roots)
        nodes = np.tile(self.roots, len(columns)).astype(np.int64)
        moving = np.arange(len(nodes))
        while len(moving):
            at = nodes[moving]
            features = self.features[at]
            inner = features >= 0
            moving, at, features = moving[inner], at[inner], features[inner]
            left = columns[moving // trees, features] <= self.splits[at]
            nodes[moving] = np.where(left, at + 1, self.rights[at])
        return self.splits[nodes].reshape(-1, trees).astype(np.float64)
