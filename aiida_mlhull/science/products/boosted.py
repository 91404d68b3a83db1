"""Boosted trees on one precursor among the others: whether it is left out, and the share of the cations that it brings.

Of every twelve published syntheses one names a precursor that its target doesn't have, a dopant mostly: the target is
written without it. Which ones are left out so can be learned (AUC 0.90 on systems that were kept aside).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from aiida_mlhull.science.products.actions import action_counts
from aiida_mlhull.science.products.base import PRESENT, Products, normalized, precursors
from aiida_mlhull.science.products.scales import described
from aiida_mlhull.science.products.shares import in_order, learnable, mixture, weighed_in
from aiida_mlhull.science.representations.composition import Composition
from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.types.crystals import Floats

LEFT_OUT: Final = 0.6
"""Chance above which a precursor is taken to be left out: the best of six tried on a fifth of the training systems."""
ROUNDS: Final = 80
GASES: Final = ("air", "hydrogen", "nitrogen", "argon", "oxygen", "carbon monoxide", "ammonia", "vacuum")
FEW: Final = 10.0
"""Uses of an element's precursors that count as much as the prior rate of being left out."""
PRIOR: Final = 0.05


class Boosted:
    """Amounts are not looked at; actions and atmospheres are."""

    needs_amounts = False

    def fit(self, recipes: Recipes, *, seed: int = 0) -> None:
        """Learn from one row per precursor."""
        names, shares = learnable(recipes)
        wanted = np.concatenate(shares)
        left_out = wanted < PRESENT
        self._rates = _rates(names, left_out)
        rows = self._rows(names, recipes)
        common = {"max_leaf_nodes": 31, "l2_regularization": 1.0, "early_stopping": False, "random_state": seed}
        self._shares = HistGradientBoostingRegressor(max_iter=2 * ROUNDS, **common).fit(rows, wanted)
        self._chances = None
        if left_out.any() and not left_out.all():
            self._chances = HistGradientBoostingClassifier(max_iter=ROUNDS, **common).fit(rows, left_out)

    def predict(self, recipes: Recipes) -> Products:
        """The products; of precursors that all seem to be left out, the likeliest one stays."""
        names = [in_order(one) for one in precursors(recipes)]
        rows = self._rows(names, recipes)
        chances = np.zeros(len(rows)) if self._chances is None else self._chances.predict_proba(rows)[:, 1]
        ends = np.cumsum([len(one) for one in names])[:-1]
        parts = zip(np.split(self._shares.predict(rows), ends), np.split(chances, ends), strict=True)
        made = []
        for given, (values, chance) in zip(names, parts, strict=True):
            kept = chance <= max(LEFT_OUT, chance.min())
            shares = np.zeros(len(given))
            shares[kept] = weighed_in(values[kept])
            made.append(mixture(given, shares))
        return Products(normalized(np.asarray(made)))

    def _rows(self, names: list[list[Composition]], recipes: Recipes) -> Floats:
        """(P, f) every precursor's own features, mean, smallest and largest ones of the others, and of the recipe."""
        said = [[float(gas in text) for gas in GASES] for text in recipes.atmospheres.tolist()]
        whole = np.column_stack([[len(row) for row in names], said, action_counts(recipes)])
        parts = []
        for row, facts in zip(names, whole, strict=True):
            own = np.asarray([(*described(one), self._rates.get(_main(one), PRIOR)) for one in row])
            for i in range(len(row)):
                others = np.delete(own, i, axis=0) if len(row) > 1 else own
                rarer = (own[:, -1] < own[i, -1]).sum()
                parts.append([*own[i], *others.mean(0), *others.min(0), *others.max(0), rarer, *facts])
        return np.asarray(parts, dtype=np.float64)


def _main(precursor: Composition) -> float:
    """Place of the main cation on the Pettifor scale, which stands for the element."""
    return described(precursor)[0]


def _rates(names: list[list[Composition]], left_out: np.ndarray) -> dict[float, float]:
    """Main cation to the share of its precursors that are left out."""
    places = np.asarray([_main(one) for row in names for one in row])
    different, which = np.unique(places, return_inverse=True)
    times, out = np.bincount(which), np.bincount(which, weights=left_out)
    return dict(zip(different.tolist(), ((out + PRIOR * FEW) / (times + FEW)).tolist(), strict=True))
