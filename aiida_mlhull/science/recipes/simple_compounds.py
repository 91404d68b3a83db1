"""Compounds of a metal that a shop is likely to have, whether or not a recipe names them."""

from __future__ import annotations

from functools import cache
from typing import Final

from aiida_mlhull.science.representations.composition import NUMBERS, SYMBOLS, Composition, reduce_formula

CHARGES: Final = {"F": 1, "Cl": 1, "Br": 1, "I": 1, "S": 2, "Se": 2, "Te": 2, "N": 3, "P": 3}
"""Of the anions whose simple salts are named."""


@cache
def simple_compounds(metal: int) -> tuple[tuple[int, Composition], ...]:
    """Element, oxides and nitrates, and simple salts in all common oxidation states.

    Args:
        metal: atomic number.

    Returns:
        Pairs: the anion that the compound is useful for, zero for any target; and the compound.
    """
    from pymatgen.core import Element  # noqa: PLC0415  (slow import)

    symbol = SYMBOLS[metal - 1]
    found = {(0, reduce_formula(symbol))}
    element = Element(symbol) if Element.is_valid_symbol(symbol) else None
    states = (element.common_oxidation_states or element.oxidation_states) if element else ()
    for state in (int(state) for state in states if state > 0):
        found |= {(0, reduce_formula(f"{symbol}2O{state}")), (0, reduce_formula(f"{symbol}(NO3){state}"))}
        salts = {anion: f"{symbol}{charge}{anion}{state}" for anion, charge in CHARGES.items() if anion != symbol}
        found |= {(NUMBERS[anion], reduce_formula(formula)) for anion, formula in salts.items()}
    return tuple(sorted(found))
