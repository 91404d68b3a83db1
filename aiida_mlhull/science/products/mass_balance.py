"""Atoms in, atoms out: what leaves as gas is known to any chemist, the rest is the product. Nothing is learned.

Carbon of oxygen compounds leaves as CO2. Nitrogen of ammonium leaves as NH3, that of nitrates as N2O5. The rest of
hydrogen leaves as H2O. Nothing is taken from the atmosphere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from aiida_mlhull.science.products.base import ELEMENTS, Products, amounts, normalized, precursors
from aiida_mlhull.science.representations.composition import Composition
from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.types.crystals import Floats

H, C, N, O = 1, 6, 7, 8  # noqa: E741  (the elements)
AMMONIUM: Final = 3
"""Hydrogen atoms that one nitrogen atom takes with it."""


def residue(precursor: Composition) -> Floats:
    """(Z,) atoms of one formula unit that stay when its gases have left; empty for gases themselves."""
    atoms = dict(zip(precursor.numbers, map(float, precursor.counts), strict=True))
    if O in atoms:
        atoms[O] -= 2.0 * atoms.pop(C, 0.0)
    nitrogen, hydrogen = atoms.get(N, 0.0), atoms.get(H, 0.0)
    if nitrogen and (O in atoms or hydrogen):
        ammonia = min(nitrogen, hydrogen / AMMONIUM)
        atoms[H] = hydrogen - AMMONIUM * ammonia
        if O in atoms:
            atoms[O] -= 2.5 * (nitrogen - ammonia)
        del atoms[N]
    hydrogen = atoms.pop(H, 0.0)
    if O in atoms:
        atoms[O] -= hydrogen / 2.0
    row = np.zeros(ELEMENTS)
    for z, count in atoms.items():
        row[z - 1] = max(count, 0.0)
    if O in precursor.numbers and row.sum() > 0 and row[O - 1] <= 0:
        row[O - 1] = row.sum()  # acetates and oxalates burn in air and leave an oxide
    return row


def mixed(names: Sequence[Composition], moles: Floats) -> Floats:
    """(Z,) atoms that stay of a mixture."""
    return np.asarray(sum((n * residue(one) for one, n in zip(names, moles, strict=True)), np.zeros(ELEMENTS)))


class MassBalance:
    """What is weighed in, without its gases; equal moles where amounts are not known."""

    needs_amounts = True

    def fit(self, recipes: Recipes, *, seed: int = 0) -> None:
        """Nothing is learned."""

    def predict(self, recipes: Recipes) -> Products:
        """The products."""
        weighed = zip(precursors(recipes), amounts(recipes), strict=True)
        rows = [mixed(names, np.ones(len(names)) if moles is None else moles) for names, moles in weighed]
        return Products(normalized(np.asarray(rows)))
