"""The nouns of synthesis: recipes as they were published, reactions as they are recommended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import TableError, listed
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Booleans, Strings, Table, concatenate

JOINED: Final = " + "
"""Between the precursors of a recipe; no formula holds it."""
KINDS: Final = ("solid_state", "sol_gel", "hydrothermal", "precipitation", "other")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Recipes(Table):
    """Syntheses, one per row. ``formulas`` are the targets, empty where the product is not known, or what a model expects.

    Attributes:
        precursors: (n,) formulas joined by " + ", in alphabetical order.
        amounts: (n,) moles of each precursor in that order, separated by spaces; empty where not known.
        actions: (n,) types of the steps in order, separated by spaces.
        temperatures: (n,) K, the highest one of any heating; NaN where not known.
        hours: (n,) h, the longest heating; NaN where not known.
        atmospheres: (n,) as stated, empty where nothing is.
        references: (n,) DOI or where else the recipe is from.
        kinds: (n,) one of :data:`KINDS`.
        parents: (n,) composition without dopants, empty where the target is not doped.
        spreads: (n,) element mover's distance by which the products that a model expects are off, on average; None where
            formulas are published ones.
        source: what the whole table came from.
    """

    precursors: Strings
    amounts: Strings
    actions: Strings
    temperatures: Floats
    hours: Floats
    atmospheres: Strings
    references: Strings
    kinds: Strings
    parents: Strings
    spreads: Floats | None = None
    source: str = ""

    def check(self) -> None:
        """Refuse rows that are not recipes.

        Raises:
            TableError: if precursors are missing or not in order, amounts don't fit them or aren't positive,
                or a kind is unknown.
        """
        for row, (precursors, amounts) in enumerate(zip(self.precursors.tolist(), self.amounts.tolist(), strict=True)):
            names, numbers = precursors.split(JOINED), amounts.split()
            if not precursors or names != sorted(set(names)):
                raise TableError(f"{self.ids[row]}: precursors must be different formulas in order, joined by '+'")
            if numbers and (len(numbers) != len(names) or not all(float(number) >= 0 for number in numbers)):
                raise TableError(f"{self.ids[row]}: {len(names)} precursors and the amounts {amounts!r}")
        strange = sorted(set(self.kinds.tolist()) - set(KINDS))
        if strange:
            raise TableError(f"unknown kinds of synthesis {listed(strange)}; known: {', '.join(KINDS)}")

    def sets(self) -> list[tuple[str, ...]]:
        """(n,) the precursors of every recipe."""
        return [tuple(text.split(JOINED)) for text in self.precursors.tolist()]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Reactions(Table):
    """Ways to make targets, ranked. ``formulas`` are the targets; energies are per atom of reactants.

    Attributes:
        precursors: (n,) formulas joined by " + ".
        equations: (n,) balanced, with by-products.
        by_products: (n,) formulas joined by " + ", empty where there are none.
        reaction_energies: (n,) eV/atom.
        inverse_hull: (n,) eV/atom.
        primary: (n,) eV/atom, C1.
        secondary: (n,) eV/atom, C2.
        gamma: (n,) eV/atom, Γ.
        gamma_std: (n,) eV/atom, from sampled hulls; NaN where energies are taken as certain.
        p_exergonic: (n,) P(ΔE < 0); NaN likewise.
        p_deepest: (n,) P(the target is the deepest point); NaN likewise.
        deepest: (n,) whether the target is the deepest point.
        competing: (n,) phases at the neighboring kinks, joined by " + ".
        decisive: (n,) id of the phase whose relaxation could change the order, empty where none could.
        precedents: (n,) published recipes of this target, or of the nearest one, with these precursors.
        nearest: (n,) the published target that this refers to, empty without literature.
        published: (n,) reference of the precedent with the most usual temperature; empty where there is none.
        temperatures: (n,) K, median of the precedents; NaN where there are none.
        hours: (n,) h, likewise.
        primary_low: (n,) eV/atom, 5 % quantile of C1 over the sampled hulls in which the target forms; NaN where energies are
            taken as certain.
        primary_high: (n,) eV/atom, its 95 % quantile.
        predicted: (n,) what a model of published syntheses expects of these precursors, with as many atoms as the
            target's formula; None where no model was asked.
        predicted_distance: (n,) element mover's distance between that and the target; None likewise.
        ranking: what put them in order.
        conditions: temperature and atmosphere in words.
        scheme: of the energies.
    """

    precursors: Strings
    equations: Strings
    by_products: Strings
    reaction_energies: Floats
    inverse_hull: Floats
    primary: Floats
    secondary: Floats
    gamma: Floats
    gamma_std: Floats
    p_exergonic: Floats
    p_deepest: Floats
    deepest: Booleans
    competing: Strings
    decisive: Strings
    precedents: Floats
    nearest: Strings
    published: Strings
    temperatures: Floats
    hours: Floats
    primary_low: Floats | None = None
    primary_high: Floats | None = None
    predicted: Strings | None = None
    predicted_distance: Floats | None = None
    ranking: str = ""
    conditions: str = ""
    scheme: str = ""

    def check(self) -> None:
        """Refuse reactions without an energy.

        Raises:
            TableError: if one has none.
        """
        broken = ~np.isfinite(self.reaction_energies)
        if broken.any():
            raise TableError(f"reactions without an energy: {listed(self.ids[broken])}")


def joined(tables: Sequence[Reactions]) -> Reactions:
    """Reactions of one or more targets in one table; of several, ids say which target they belong to."""
    if len(tables) == 1:
        return tables[0]
    pairs = [zip(one.formulas.tolist(), one.ids.tolist(), strict=True) for one in tables]
    named = [
        replace(one, ids=np.asarray([f"{formula}-{name}" for formula, name in rows]))
        for one, rows in zip(tables, pairs, strict=True)
    ]
    return concatenate([one for one in named if len(one)] or named[:1])
