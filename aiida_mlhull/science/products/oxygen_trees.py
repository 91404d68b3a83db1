"""The mass balance with its oxygen put right: extra-trees say how much of it a product holds per cation.

Cations of a weighed mixture stay; oxygen is exchanged with the air. Half of the published targets' errors lie in
few rows, so that the weighted median over the leaves is taken, which the others don't move.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from aiida_mlhull.science.products.actions import in_gases
from aiida_mlhull.science.products.base import Products, amounts, atoms_of, normalized, precursors, targets
from aiida_mlhull.science.products.leaves import MedianTrees
from aiida_mlhull.science.products.mass_balance import C, H, MassBalance, N, O
from aiida_mlhull.science.products.scales import CATIONS, valences
from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.types.crystals import Floats

TREES: Final = 100
FARTHEST: Final = 3.0
"""Oxygen per cation by which a target may differ from the mass balance; beyond it counts as this much."""
SMALLEST: Final = 0.02
"""Oxygen per cation below which nothing is put right."""


class OxygenTrees:
    """Equal moles where amounts are not known, as in the mass balance."""

    needs_amounts = True

    def fit(self, recipes: Recipes, *, seed: int = 0) -> None:
        """Learn the difference in oxygen per cation."""
        balance, true = _per_cation(MassBalance().predict(recipes).fractions), _per_cation(targets(recipes))
        rows = np.flatnonzero((balance[:, CATIONS].sum(axis=1) > 0) & (true[:, CATIONS].sum(axis=1) > 0))
        wanted = np.clip(true[rows, O - 1] - balance[rows, O - 1], -FARTHEST, FARTHEST)
        self._trees = MedianTrees(trees=TREES, max_features=0.3, seed=seed)
        self._trees.fit(_features(recipes, balance)[rows], wanted)

    def predict(self, recipes: Recipes) -> Products:
        """The products."""
        balance = _per_cation(MassBalance().predict(recipes).fractions)
        more = self._trees.predict(_features(recipes, balance))
        more = np.where((np.abs(more) < SMALLEST) | (balance[:, CATIONS].sum(axis=1) <= 0), 0.0, more)
        balance[:, O - 1] = np.maximum(balance[:, O - 1] + more, 0.0)
        return Products(normalized(balance))


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
    usual = balance[:, CATIONS] @ valences()[CATIONS] / 2 - bound[:, None]
    kinds = (balance[:, CATIONS] > 0).sum(axis=1)
    heated = np.nan_to_num(recipes.temperatures, nan=-1.0)
    ahead = balance[:, O - 1] - usual[:, 0]
    return np.column_stack([balance, gases, usual, ahead, kinds, in_gases(recipes), heated]).astype(np.float32)
