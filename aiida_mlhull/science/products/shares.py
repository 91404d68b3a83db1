"""Which part of a product each precursor makes: the moles that published targets ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.optimize import nnls

from aiida_mlhull.science.products.base import precursors, targets
from aiida_mlhull.science.products.mass_balance import residue
from aiida_mlhull.science.products.scales import cations_of, described
from aiida_mlhull.science.representations.composition import Composition
from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.types.crystals import Floats

LEAST: Final = 0.01
"""Share of the cations below which no precursor is weighed in on purpose: what is asked for is not left out."""


def weighed_in(shares: Floats) -> Floats:
    """(p,) shares of at least a dopant's amount, summing to one."""
    kept = np.maximum(shares, LEAST)
    return np.asarray(kept / kept.sum())


def cation_shares(names: Sequence[Composition], target: Floats) -> Floats:
    """(p,) share of the target's cations that each precursor brings: least squares, none negative."""
    matrix = cations_of(np.asarray([residue(one) for one in names]))
    moles, _ = nnls(matrix.T, cations_of(target[None])[0])
    brought = moles * matrix.sum(axis=1)
    whole = brought.sum()
    return np.asarray(brought / whole if whole > 0 else np.full(len(names), 1.0 / len(names)))


def mixture(names: Sequence[Composition], shares: Floats) -> Floats:
    """(Z,) atoms of a product in which each precursor brings its share of the cations."""
    rows = np.asarray([residue(one) for one in names])
    weight = cations_of(rows).sum(axis=1)
    return np.asarray((shares / np.where(weight > 0, weight, 1.0)) @ rows)


def learnable(recipes: Recipes) -> tuple[list[list[Composition]], list[Floats]]:
    """Precursors of every recipe in the order of their main cations, and the shares that they have in the target."""
    ordered, shares = [], []
    for names, target in zip(precursors(recipes), targets(recipes), strict=True):
        ordered.append(in_order(names))
        shares.append(cation_shares(ordered[-1], target))
    return ordered, shares


def in_order(names: Sequence[Composition]) -> list[Composition]:
    """Precursors by the place of their main cation on the Pettifor scale."""
    return sorted(names, key=lambda one: (described(one)[0], one))
