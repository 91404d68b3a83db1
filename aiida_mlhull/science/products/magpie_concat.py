"""Extra-trees on all precursors at once: their Magpie features one after the other, then the actions.

The baseline of chapter 5 of the thesis of R. E. A. Goodall (Cambridge, 2021): no invariance, no attention. Precursors
stand in the order of their main cations; recipes with more of them than :data:`SLOTS` keep equal shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from aiida_mlhull.science.models.regressors.forest import Forest
from aiida_mlhull.science.products.actions import action_counts
from aiida_mlhull.science.products.base import Products, fractions_of, normalized, precursors
from aiida_mlhull.science.products.shares import in_order, learnable, mixture, weighed_in
from aiida_mlhull.science.representations.composition import Composition
from aiida_mlhull.science.representations.magpie import magpie
from aiida_mlhull.science.types import MemberWeights, Recipes
from aiida_mlhull.science.types.crystals import Floats

SLOTS: Final = 6
MEMBERS: Final = 5
TREES: Final = 10
"""Of each member."""
LEAF: Final = 2


class MagpieConcat:
    """Shares of the cations by slot. Amounts are not looked at.

    Args:
        members: forests, each grown by chance of its own.
    """

    needs_amounts = False
    settings: ClassVar[tuple[str, ...]] = ("members",)

    def __init__(self, *, members: int = MEMBERS) -> None:
        self.members = members

    def fit(self, recipes: Recipes, *, seed: int = 0) -> None:
        """Learn the shares of all slots together."""
        names, shares = learnable(recipes)
        rows = np.asarray([i for i, row in enumerate(names) if len(row) <= SLOTS], dtype=np.int64)
        wanted = np.zeros((len(rows), SLOTS))
        for place, row in enumerate(rows.tolist()):
            wanted[place, : len(shares[row])] = shares[row]
        features = _features([names[row] for row in rows.tolist()], action_counts(recipes)[rows])
        self._forests = [_grown(features, wanted, seed=seed * 1000 + member) for member in range(self.members)]

    def predict(self, recipes: Recipes) -> Products:
        """The products: means over the members."""
        return Products(self.members_say(recipes).mean(axis=0))

    def members_say(self, recipes: Recipes) -> Floats:
        """(m, n, Z) what every member says."""
        names = [in_order(one) for one in precursors(recipes)]
        features = _features([row[:SLOTS] for row in names], action_counts(recipes))
        return np.asarray([_made(names, _asked(*forest, features)) for forest in self._forests])

    def kept(self) -> list[MemberWeights]:
        """The members as arrays."""
        return [
            MemberWeights(arrays=forest.arrays() | {"shares": shares}, meta={"number": number}, scores={}, seed=number)
            for number, (forest, shares) in enumerate(self._forests)
        ]

    @classmethod
    def restored(cls, members: Sequence[MemberWeights]) -> MagpieConcat:
        """The model behind what :meth:`kept` gave."""
        model = cls(members=len(members))
        arrays = [dict(member.arrays) for member in members]
        model._forests = [(Forest(**{k: v for k, v in one.items() if k != "shares"}), one["shares"]) for one in arrays]
        return model


def _grown(features: Floats, wanted: Floats, *, seed: int) -> tuple[Forest, Floats]:
    """A forest whose leaves state their node's number, and (V, SLOTS) shares by node."""
    fitted = ExtraTreesRegressor(TREES, min_samples_leaf=LEAF, max_features=0.1, random_state=seed, n_jobs=1)
    fitted.fit(features, wanted)
    flat = Forest.from_sklearn(fitted)
    numbers = np.where(flat.features < 0, np.arange(len(flat.features)), flat.splits).astype(np.float32)
    return replace(flat, splits=numbers), np.concatenate([one.tree_.value[:, :, 0] for one in fitted.estimators_])


def _asked(forest: Forest, shares: Floats, features: Floats) -> Floats:
    """(n, SLOTS) means over the trees."""
    return np.asarray(shares[forest.predict(features).astype(np.int64)].mean(axis=1), dtype=np.float64)


def _made(names: list[list[Composition]], found: Floats) -> Floats:
    """(n, Z) products in which precursors have the shares that were found."""
    rows = []
    for given, values in zip(names, found, strict=True):
        shares = values[: len(given)] if len(given) <= SLOTS else np.full(len(given), 1.0 / len(given))
        rows.append(mixture(given, weighed_in(shares)))
    return normalized(np.asarray(rows))


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
