"""The forward check: what a model of published syntheses expects to come out of recommended precursors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aiida_mlhull.science.products import PRODUCTS, element_movers_distance
from aiida_mlhull.science.products.base import PRESENT, fractions_of
from aiida_mlhull.science.products.ensemble import members_say
from aiida_mlhull.science.recipes.formulas import spelled
from aiida_mlhull.science.recipes.literature import Literature
from aiida_mlhull.science.representations.composition import SYMBOLS, Composition
from aiida_mlhull.science.types import EnsembleWeights, Recipes
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.recipes import JOINED


def forward_check(
    target: Composition,
    precursors: Sequence[str],
    known: Literature | EnsembleWeights,
    *,
    model: str = "",
    seed: int = 0,
) -> tuple[list[str], Floats]:
    """What is expected of each set of precursors, amounts left to the model, and how far that is from the target.

    Args:
        target: that is to be made.
        precursors: (n,) formulas joined by " + ".
        known: published recipes, all of which the model learns from, so that a target that is among them has been seen; or an
            ensemble that has learned already.
        model: name of a product model that needs no amounts, to learn from recipes.
        seed: of its fit.

    Returns:
        (n,) compositions with as many atoms as the target's formula, and (n,) element mover's distances.

    Raises:
        UnknownNameError: if there is no such model.
        WeightsError: if the ensemble is of another kind of model.
    """
    if not precursors:
        return [], np.empty(0)
    if isinstance(known, EnsembleWeights):
        expected = np.asarray(members_say(known, _asked(precursors)).mean(axis=0))
    else:
        fitted = PRODUCTS[model]()
        fitted.fit(known.recipes, seed=seed)
        expected = fitted.predict(_asked(precursors)).fractions
    wanted = np.repeat(fractions_of([target]), len(expected), axis=0)
    return [composition_text(row, atoms=target.atoms) for row in expected], element_movers_distance(expected, wanted)


def composition_text(fractions: Floats, *, atoms: int) -> str:
    """Atomic fractions as a formula of so many atoms, electropositive elements first: ``Ba1.2Ti0.8O3``."""
    from pymatgen.core import Element  # noqa: PLC0415  (slow import)

    there = [SYMBOLS[z] for z in np.flatnonzero(fractions > PRESENT)]
    amounts = {symbol: f"{fractions[SYMBOLS.index(symbol)] * atoms:.3g}" for symbol in there}
    ordered = sorted(there, key=lambda symbol: (np.nan_to_num(Element(symbol).X), symbol))
    return "".join(symbol + ("" if amounts[symbol] == "1" else amounts[symbol]) for symbol in ordered)


def _asked(precursors: Sequence[str]) -> Recipes:
    """Recipes of which only the precursors are known."""
    n = len(precursors)
    empty, unknown = [""] * n, np.full(n, np.nan)
    sets = [JOINED.join(sorted(spelled(name) for name in text.split(JOINED))) for text in precursors]
    return Recipes.from_rows(
        ids=[f"{i:06d}" for i in range(n)], formulas=empty, precursors=sets, amounts=empty, actions=empty,
        temperatures=unknown, hours=unknown, atmospheres=empty, references=empty, kinds=["solid_state"] * n,
        parents=empty,
    )  # fmt: skip
