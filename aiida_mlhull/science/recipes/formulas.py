"""Formulas and equations as chemists write them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Final

from aiida_mlhull.science.representations.composition import reduce_formula

LARGEST: Final = 60
"""Coefficients are whole numbers where their common denominator is no larger than this."""


@lru_cache(maxsize=1 << 16)
def spelled(formula: str) -> str:
    """The reduced formula with electropositive elements first: ``"O3TiBa"`` is ``"BaTiO3"``.

    Raises:
        FormulaError: if it is not a formula.
    """
    from pymatgen.core import Composition  # noqa: PLC0415  (slow import)

    return str(Composition(reduce_formula(formula).formula).reduced_formula)


def equation_text(reactants: Mapping[str, float], products: Mapping[str, float], exchanged: Mapping[str, float]) -> str:
    """A balanced equation, with whole coefficients where they are small.

    Args:
        reactants: formula to moles.
        products: formula to moles.
        exchanged: element to moles of atoms taken from the reservoir; negative ones are given off.
    """
    taken = {f"{element} (reservoir)": n for element, n in exchanged.items() if n > 0}
    given = {f"{element} (reservoir)": -n for element, n in exchanged.items() if n < 0}
    numbers = [*reactants.values(), *products.values(), *taken.values(), *given.values()]
    smallest = min(numbers)
    ratios = [Fraction(n / smallest).limit_denominator(LARGEST) for n in numbers]
    factor = lcm(*(ratio.denominator for ratio in ratios))
    exact = factor <= LARGEST and all(
        abs(ratio - n / smallest) < 1e-6 * n / smallest for ratio, n in zip(ratios, numbers, strict=True)
    )
    scale = factor / smallest if exact else 1.0 / smallest
    return f"{_side({**reactants, **taken}, scale)} -> {_side({**products, **given}, scale)}"


def _side(amounts: Mapping[str, float], scale: float) -> str:
    parts = []
    for name, moles in amounts.items():
        text = f"{moles * scale:.4g}"
        words = name if name.endswith(")") and " " in name else spelled(name)
        parts.append(words if text == "1" else f"{text} {words}")
    return " + ".join(parts)
