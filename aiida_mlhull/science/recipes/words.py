"""What is written about a reaction: precursors, balanced equation, by-products, competing phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from aiida_mlhull.science.hull.phase_space import PhaseSpace
from aiida_mlhull.science.hull.reactions.open_system import equation
from aiida_mlhull.science.hull.reactions.selectivity import targeted
from aiida_mlhull.science.hull.reactions.slices import Slice, cut
from aiida_mlhull.science.hull.reactions.triples import products_of_mixture, richest_mixtures
from aiida_mlhull.science.recipes.formulas import equation_text, spelled
from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.types.recipes import JOINED


def words_of(space: PhaseSpace, goal: int, rows: Sequence[int], *, x: float) -> dict[str, str]:
    """``precursors``, ``equation``, ``by_products`` and ``competing`` phases of one reaction.

    Args:
        space: all phases that compete.
        goal: row of the target.
        rows: of the two or three reactants.
        x: share of the conserved atoms that stem from the second of two.
    """
    if len(rows) > 2:  # noqa: PLR2004
        return _words_of_three(space, goal, rows)
    line = through(space, goal, rows)
    kink = int(np.argmin(np.abs(line.x - x)))
    made = equation(space, line, kink, start=rows[0], end=rows[1])
    text = equation_text(made.reactants, made.products, made.exchanged)
    met = [str(space.formulas[row]) for j in (kink - 1, kink + 1) for row in line.products(j)]
    return _named(space, goal, rows, text, made=list(made.products), met=met)


def _words_of_three(space: PhaseSpace, goal: int, rows: Sequence[int]) -> dict[str, str]:
    three = np.asarray(rows, dtype=np.int64)
    shares = richest_mixtures(space, goal, three[None])[0]
    becomes = products_of_mixture(space, goal, three, shares)
    left = {str(space.formulas[r]): float(s / space.atoms[r]) for r, s in zip(rows, shares, strict=True)}
    right = {str(space.formulas[r]): float(s / space.atoms[r]) for r, s in becomes.items()}
    text = equation_text(left, right, _exchanged(space, left, right))
    met = [str(space.formulas[row]) for row in products_of_mixture(space, goal, three, shares, without=True)]
    return _named(space, goal, rows, text, made=list(right), met=met)


def _named(
    space: PhaseSpace, goal: int, rows: Sequence[int], text: str, *, made: Sequence[str], met: Sequence[str]
) -> dict[str, str]:
    names = sorted(spelled(str(space.formulas[row])) for row in rows)
    mine = spelled(str(space.formulas[goal]))
    others = {spelled(name) for name in made} - {mine}
    competing = {spelled(name) for name in met} - set(names) - {mine} - others
    return {
        "precursors": JOINED.join(names),
        "equation": text,
        "by_products": JOINED.join(sorted(others)),
        "competing": JOINED.join(sorted(competing)),
    }


def through(space: PhaseSpace, goal: int, rows: Sequence[int]) -> Slice:
    """The slice between two reactants, on which an unstable target stands just below the hull."""
    smaller, kept, _, lift = targeted(space, goal)
    if not lift:
        return cut(space, rows[0], rows[1])
    energies = space.energies.copy()
    energies[goal] = smaller.energies[int(np.searchsorted(kept, goal))]
    return cut(replace(space, energies=energies), rows[0], rows[1])


def _exchanged(space: PhaseSpace, left: Mapping[str, float], right: Mapping[str, float]) -> dict[str, float]:
    """Element to moles of atoms from the reservoir that balance an equation."""
    balance = dict.fromkeys(space.potentials, 0.0)
    for side, sign in ((left, -1.0), (right, 1.0)):
        for name, moles in side.items():
            composition = reduce_formula(name)
            for symbol, count in zip(composition.symbols, composition.counts, strict=True):
                if symbol in balance:
                    balance[symbol] += sign * moles * count
    return {symbol: n for symbol, n in balance.items() if abs(n) > 1e-9}  # noqa: PLR2004
