"""What all product models share: recipes in, compositions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

import numpy as np

from aiida_mlhull.science.representations.composition import SYMBOLS, Composition, reduce_formula
from aiida_mlhull.science.types import MemberWeights, Recipes
from aiida_mlhull.science.types.crystals import Floats

ELEMENTS: Final = len(SYMBOLS)
PRESENT: Final = 1e-3
"""A share of atoms above this counts as an element of the product."""


@dataclass(frozen=True, eq=False)
class Products:
    """Predicted compositions of n recipes.

    Attributes:
        fractions: (n, Z) atomic fractions in the order of atomic numbers; rows sum to one.
    """

    fractions: Floats

    def __len__(self) -> int:
        return len(self.fractions)


class ProductModel(Protocol):
    """A model of products."""

    needs_amounts: bool

    def fit(self, recipes: Recipes, *, seed: int = 0) -> None:
        """Learn from recipes whose targets are known."""
        ...

    def predict(self, recipes: Recipes) -> Products:
        """The products of recipes; their targets are not looked at."""
        ...


class ProductEnsemble(ProductModel, Protocol):
    """A product model of several members, which can be kept as arrays and asked again.

    Attributes:
        settings: names of what its class is called with.
    """

    settings: ClassVar[tuple[str, ...]]

    def members_say(self, recipes: Recipes) -> Floats:
        """(m, n, Z) what every member says."""
        ...

    def kept(self) -> list[MemberWeights]:
        """The fitted members."""
        ...

    @classmethod
    def restored(cls, members: Sequence[MemberWeights]) -> ProductEnsemble:
        """The model behind what :meth:`kept` gave."""
        ...


def fractions_of(compositions: list[Composition]) -> Floats:
    """(n, Z) atomic fractions."""
    matrix = np.zeros((len(compositions), ELEMENTS))
    for row, one in enumerate(compositions):
        matrix[row, np.asarray(one.numbers) - 1] = np.asarray(one.counts) / one.atoms
    return matrix


def atoms_of(compositions: Sequence[Composition]) -> Floats:
    """(n, Z) atoms in the reduced formulas."""
    matrix = np.zeros((len(compositions), ELEMENTS))
    for row, one in enumerate(compositions):
        matrix[row, np.asarray(one.numbers) - 1] = one.counts
    return matrix


def targets(recipes: Recipes) -> Floats:
    """(n, Z) atomic fractions of the published targets."""
    return fractions_of([reduce_formula(formula) for formula in recipes.formulas.tolist()])


def precursors(recipes: Recipes) -> list[list[Composition]]:
    """The precursors of every recipe."""
    return [[reduce_formula(name) for name in names] for names in recipes.sets()]


def amounts(recipes: Recipes) -> list[Floats | None]:
    """Moles of formula units as written by the reduced formulas; None where they are not known."""
    return [np.asarray(text.split(), dtype=np.float64) if text else None for text in recipes.amounts.tolist()]


def normalized(rows: Floats) -> Floats:
    """Rows (along the last axis) divided by their sums; rows of nothing stay so."""
    sums = rows.sum(axis=-1, keepdims=True)
    return np.asarray(rows / np.where(sums > 0, sums, 1.0))
