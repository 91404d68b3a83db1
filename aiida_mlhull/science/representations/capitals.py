"""Formulas in capitals: SIO2 may be silicon dioxide, as Fortran and spreadsheets write it, or sulfur, iodine and oxygen.

As it stands, each letter is an element of its own. Where two of them make another element, and the formula that
results has charges that add up or is that element alone, the text can be read in two ways, unless it is an ordinary
formula as it stands: CO2 and K2CO3 are carbon's, CS2 is carbon disulfide, YB6 is a boride.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from itertools import pairwise, product
from typing import Final

from aiida_mlhull.science.representations.elements import element_table

MOLECULES: Final = frozenset({"CO", "HF"})
"""Well known under these formulas: carbon monoxide, hydrogen fluoride."""

SCARCE: Final = frozenset({"Po", "At", "Rn", "Pa", "Np", "Bk", "Cf", "No", "Bh", "Hs", "Cn", "Nh", "Og"})
"""Elements that are never meant by PO, NO or CN."""

_PAIR: Final = re.compile(r"(?=([A-Z])([A-Z]))")
_SYMBOL: Final = re.compile(r"[A-Z][a-z]?")
_MOST_PAIRS: Final = 8
"""Beyond these, only all pairs at once are looked at."""


def other_readings(formula: str) -> Iterator[str]:
    """A formula without small letters, with pairs of its letters joined to elements; nothing for other formulas."""
    if formula in MOLECULES or any(letter.islower() for letter in formula):
        return
    places = [pair.start() for pair in _PAIR.finditer(formula) if _meant(pair[1] + pair[2].lower())]
    every = [(True,) * len(places)]
    for choice in product((True, False), repeat=len(places)) if len(places) <= _MOST_PAIRS else every:
        joined = [place for place, taken in zip(places, choice, strict=True) if taken]
        if joined and all(second - first > 1 for first, second in pairwise(joined)):
            small = {place + 1 for place in joined}
            yield "".join(letter.lower() if at in small else letter for at, letter in enumerate(formula))


def is_ordinary(formula: str, amounts: Mapping[str, Fraction]) -> bool:
    """Whether chemists write such formulas: a metal's binary, or positive elements first and charges that add up.

    Args:
        formula: the text.
        amounts: what it holds, by symbol.
    """
    symbols = _SYMBOL.findall(formula)
    if len(symbols) == 2 and _is_metal(symbols[0]) and not _is_metal(symbols[1]):  # noqa: PLR2004
        return True
    rising = all(_electronegativity(one) < _electronegativity(other) for one, other in pairwise(symbols))
    return rising and _balances(amounts, mixed=False)


def is_likely(formula: str, amounts: Mapping[str, Fraction]) -> bool:
    """Whether such a formula may have been meant: the least negative element first, and charges that add up.

    Amines and organic ligands beside a metal are not looked for: urea is not an amide of cobalt.
    """
    if "H" in amounts and {"C", "N"} & set(amounts):
        return False
    first = _SYMBOL.findall(formula)[0]
    lowest = min(_electronegativity(symbol) for symbol in amounts)
    return _electronegativity(first) <= lowest and _balances(amounts, mixed=len(amounts) == 2)  # noqa: PLR2004


def _balances(amounts: Mapping[str, Fraction], *, mixed: bool) -> bool:
    """Whether common oxidation states add up to zero.

    Args:
        amounts: by symbol.
        mixed: whether an element may be there in several positive states, as cobalt in Co3O4.
    """
    spans = []
    for symbol, amount in amounts.items():
        states = _states(symbol)
        if symbol in {"Br", "I"} and not {"O", "F"} & set(amounts):
            states = tuple(state for state in states if state < 0)  # nothing else takes electrons from them
        up = [state for state in states if state > 0]
        ranges = [(state, state) for state in states] + ([(min(up), max(up))] if mixed and up else [])
        spans.append([(low * amount, high * amount) for low, high in ranges])
    return any(sum(low for low, _ in one) <= 0 <= sum(high for _, high in one) for one in product(*spans))


def _meant(symbol: str) -> bool:
    return symbol in _numbers() and symbol not in SCARCE


def _electronegativity(symbol: str) -> float:
    return float(element_table().electronegativity[_numbers()[symbol]])


@cache
def _numbers() -> dict[str, int]:
    return {symbol: z for z, symbol in enumerate(element_table().symbols.tolist()) if z}


@cache
def _states(symbol: str) -> tuple[int, ...]:
    """Common oxidation states; copper's one as well, which pymatgen's list lacks."""
    from pymatgen.core.periodic_table import Element  # noqa: PLC0415  (slow import)

    return (*Element(symbol).common_oxidation_states, *((1,) if symbol == "Cu" else ()))


@cache
def _is_metal(symbol: str) -> bool:
    from pymatgen.core.periodic_table import Element  # noqa: PLC0415  (slow import)

    return bool(Element(symbol).is_metal)
