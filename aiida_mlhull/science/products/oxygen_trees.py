"""The mass balance with its oxygen put right: extra-trees say how much of it a product holds per cation.

Cations of a weighed mixture stay; oxygen is exchanged with the air. Half of the published targets' errors lie in
few rows, so that the weighted median over the leaves is taken, which the others don't move.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from aiida_mlhull.science.products.base import Products, amounts, atoms_of, normalized, precursors, targets
from aiida_mlhull.science.products.mass_balance import C, H, MassBalance, N, O
from aiida_mlhull.science.products.scales import ANIONS
from aiida_mlhull.science.representations.composition import NUMBERS, SYMBOLS
from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.types.crystals import Floats, Integers

TREES: Final = 100
FARTHEST: Final = 3.0
"""Oxygen per cation by which a target may differ from the mass balance; beyond it counts as this much."""
SMALLEST: Final = 0.02
"""Oxygen per cation below which nothing is put right."""
GASES: Final = ("air", "oxygen", "hydrogen", "nitrogen", "argon", "vacuum")
CATIONS: Final = np.asarray([z for z, symbol in enumerate(SYMBOLS) if symbol not in ANIONS], dtype=np.int64)


class OxygenTrees:
    """Equal moles where amounts are not known, as in the mass balance."""

    needs_amounts = True

    def fit(self, recipes: Recipes, *, seed: int = 0) -> None:
        """Learn the difference in oxygen per cation."""
        balance, true = _per_cation(MassBalance().predict(recipes).fractions), _per_cation(targets(recipes))
        rows = np.flatnonzero((balance[:, CATIONS].sum(axis=1) > 0) & (true[:, CATIONS].sum(axis=1) > 0))
        self._wanted: Floats = np.clip(true[rows, O - 1] - balance[rows, O - 1], -FARTHEST, FARTHEST)
        features = _features(recipes, balance)[rows]
        self._forest = ExtraTreesRegressor(TREES, max_features=0.3, random_state=seed, n_jobs=1)
        self._forest.fit(features, self._wanted)
        self._leaves: Integers = self._forest.apply(features)

    def predict(self, recipes: Recipes) -> Products:
        """The products."""
        balance = _per_cation(MassBalance().predict(recipes).fractions)
        more = self._medians(self._forest.apply(_features(recipes, balance)))
        more = np.where((np.abs(more) < SMALLEST) | (balance[:, CATIONS].sum(axis=1) <= 0), 0.0, more)
        balance[:, O - 1] = np.maximum(balance[:, O - 1] + more, 0.0)
        return Products(normalized(balance))

    def _medians(self, asked: Integers) -> Floats:
        """(n,) weighted medians of what the asked leaves hold, from (n, T) their numbers."""
        orders = np.argsort(self._leaves, axis=0, kind="stable")
        found = np.zeros(len(asked))
        ranges = []
        for tree in range(asked.shape[1]):
            numbers = self._leaves[orders[:, tree], tree]
            sides = [np.searchsorted(numbers, asked[:, tree], side=side) for side in ("left", "right")]
            ranges.append(np.stack(sides, axis=1))
        for row in range(len(asked)):
            parts = [orders[slice(*spans[row]), tree] for tree, spans in enumerate(ranges)]
            values = self._wanted[np.concatenate(parts)]
            weights = np.concatenate([np.full(len(part), 1.0 / len(part)) for part in parts])
            order = np.argsort(values, kind="stable")
            found[row] = values[order][np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)]
        return found


def _per_cation(fractions: Floats) -> Floats:
    """(n, Z) atoms per cation; as they are where there is none."""
    cations = fractions[:, CATIONS].sum(axis=1, keepdims=True)
    return np.asarray(fractions / np.where(cations > 0, cations, 1.0))


def _features(recipes: Recipes, balance: Floats) -> Floats:
    """(n, f) the balance; H, C, N and O as weighed in; what oxides of usual valence hold; atmosphere, temperature."""
    weighed = np.asarray([
        (np.ones(len(names)) if moles is None else moles) @ atoms_of(names)
        for names, moles in zip(precursors(recipes), amounts(recipes), strict=True)
    ])  # fmt: skip
    gases = _per_cation(weighed)[:, [H - 1, C - 1, N - 1, O - 1]]
    halves = balance[:, [NUMBERS[s] - 1 for s in ("F", "Cl", "Br", "I")]].sum(axis=1) / 2
    bound = halves + balance[:, [NUMBERS[s] - 1 for s in ("S", "Se")]].sum(axis=1)
    usual = balance[:, CATIONS] @ _valences()[CATIONS] / 2 - bound[:, None]
    said = np.stack([np.char.find(recipes.atmospheres, gas) >= 0 for gas in GASES], axis=1)
    kinds = (balance[:, CATIONS] > 0).sum(axis=1)
    heated = np.nan_to_num(recipes.temperatures, nan=-1.0)
    ahead = balance[:, O - 1] - usual[:, 0]
    return np.column_stack([balance, gases, usual, ahead, kinds, said, heated]).astype(np.float32)


def _valences() -> Floats:
    """(Z, 3) largest, mean and smallest of the common positive oxidation states; zero where there are none."""
    from pymatgen.core import Element  # noqa: PLC0415  (slow import)

    rows = np.zeros((len(SYMBOLS), 3))
    for z, symbol in enumerate(SYMBOLS):
        if Element.is_valid_symbol(symbol):
            states = [state for state in Element(symbol).common_oxidation_states if state > 0] or [0]
            rows[z] = max(states), float(np.mean(states)), min(states)
    return rows
