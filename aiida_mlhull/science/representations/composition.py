"""Formulas as reduced integers: the only form in which compositions are compared.

Fractions such as 0.3333 and 1/3 differ by residues that put a candidate into the wrong chemical
system or apart from its own polymorph. Two formulas are the same composition here exactly when their
reduced integer counts are equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm
from typing import Final, NamedTuple

import numpy as np

from aiida_mlhull.science.errors import FormulaError, listed
from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.types.crystals import Floats, Integers

SYMBOLS: Final[tuple[str, ...]] = tuple(element_table().symbols[1:].tolist())
"""Element symbols in the order of atomic numbers; ``SYMBOLS[z - 1]``."""

NUMBERS: Final = {symbol: number for number, symbol in enumerate(SYMBOLS, start=1)}
ISOTOPES: Final = {"D": 1, "T": 1}
"""Deuterium and tritium, which have hydrogen's energies and which pymatgen reads as elements."""

LARGEST_DENOMINATOR: Final = 1000
"""Decimal amounts are read as the nearest fraction with at most this denominator."""

_TOKEN = re.compile(r"([A-Z][a-z]?)(\d*)")
_WHOLE = re.compile(rf"(?:{_TOKEN.pattern})+")


class Composition(NamedTuple):
    """A composition reduced to coprime integers; hashable, so that equal ones meet in a dictionary.

    Attributes:
        numbers: atomic numbers, ascending.
        counts: atoms of each in the reduced formula, all positive, without a common divisor.
    """

    numbers: tuple[int, ...]
    counts: tuple[int, ...]

    @property
    def atoms(self) -> int:
        """Atoms in the reduced formula."""
        return sum(self.counts)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Element symbols in the order of atomic numbers."""
        return tuple(SYMBOLS[z - 1] for z in self.numbers)

    @property
    def formula(self) -> str:
        """The reduced formula, elements by atomic number: a name for messages, not pymatgen's spelling."""
        pairs = zip(self.symbols, self.counts, strict=True)
        return "".join(symbol + (str(count) if count > 1 else "") for symbol, count in pairs)

    @property
    def mask(self) -> int:
        """The set of elements as an integer: bit z is set where the element Z = z is there."""
        return sum(1 << z for z in self.numbers)

    @property
    def chemical_system(self) -> str:
        """Symbols in alphabetical order, joined by hyphens, as pymatgen writes them: ``"N-Ti-Zn"``."""
        return "-".join(sorted(self.symbols))


def atomic_number(symbol: str) -> int:
    """Of an element or an isotope with a symbol of its own; 0 for anything else."""
    return NUMBERS.get(symbol) or ISOTOPES.get(symbol, 0)


@lru_cache(maxsize=1 << 18)
def reduce_formula(formula: str) -> Composition:
    """Read a formula: ``"Ba4As16"`` is BaAs4, D2O is water. Decimal amounts and brackets are understood.

    Raises:
        FormulaError: if it is not a formula or names an unknown element.
    """
    counts = _whole_counts(formula) if _WHOLE.fullmatch(formula) else _decimal_counts(formula)
    unknown = [symbol for symbol in counts if not atomic_number(symbol)]
    if unknown:
        raise FormulaError(f"unknown elements in the formula {formula!r}: {listed(unknown)}")
    atoms: dict[int, int] = {}
    for symbol, count in counts.items():
        atoms[atomic_number(symbol)] = atoms.get(atomic_number(symbol), 0) + count
    present = sorted((z, count) for z, count in atoms.items() if count > 0)
    if not present:
        raise FormulaError(f"the formula {formula!r} holds no atoms")
    divisor = gcd(*(count for _, count in present))
    return Composition(tuple(z for z, _ in present), tuple(count // divisor for _, count in present))


def _whole_counts(formula: str) -> dict[str, int]:
    """Atoms of each element in a formula such as ``"HOH"`` or ``"Ba4As16"``."""
    counts: dict[str, int] = {}
    for symbol, count in _TOKEN.findall(formula):
        counts[symbol] = counts.get(symbol, 0) + (int(count) if count else 1)
    return counts


def _decimal_counts(formula: str) -> dict[str, int]:
    """Whole counts of everything else that pymatgen can read, such as ``"Ca(OH)2"`` and ``"Li0.5CoO2"``."""
    from pymatgen.core import Composition as Parsed  # noqa: PLC0415  (slow import, seldom needed)

    try:
        amounts = Parsed(formula, strict=True).get_el_amt_dict()
    except ValueError as error:
        raise FormulaError(
            f"not a formula: {formula!r} ({error}); if it comes from a csv file, look at sodium nitride, NaN"
        ) from error
    fractions = {symbol: Fraction(amount).limit_denominator(LARGEST_DENOMINATOR) for symbol, amount in amounts.items()}
    scale = lcm(*(fraction.denominator for fraction in fractions.values()))
    return {symbol: int(fraction * scale) for symbol, fraction in fractions.items()}


def chemical_system(formula: str) -> str:
    """Chemical system of a formula, ``"N-Ti-Zn"``."""
    return reduce_formula(formula).chemical_system


def distinct(formulas: Iterable[str]) -> tuple[list[Composition], Integers]:
    """The different compositions among n formulas, and which of them each formula is.

    Returns:
        The m compositions in order of first appearance, and (n,) positions in that list.
    """
    seen: dict[Composition, int] = {}
    which = [seen.setdefault(composition, len(seen)) for composition in map(reduce_formula, formulas)]
    return list(seen), np.asarray(which, dtype=np.int64)


def elements_of(formulas: Iterable[str]) -> tuple[str, ...]:
    """All elements in these formulas, in the order of atomic numbers."""
    numbers = {z for composition in distinct(formulas)[0] for z in composition.numbers}
    return tuple(SYMBOLS[z - 1] for z in sorted(numbers))


def fraction_matrix(formulas: Sequence[str] | Iterable[str], elements: Sequence[str]) -> Floats:
    """(n, k) atomic fractions over ``elements``; rows sum to one.

    Raises:
        FormulaError: if a formula holds an element that is not among ``elements``.
    """
    column = {NUMBERS[symbol]: position for position, symbol in enumerate(elements)}
    compositions, which = distinct(formulas)
    outside = {SYMBOLS[z - 1] for composition in compositions for z in composition.numbers if z not in column}
    if outside:
        raise FormulaError(f"elements outside of {'-'.join(elements)}: {listed(sorted(outside))}")
    matrix = np.zeros((len(compositions), len(elements)))
    for row, composition in enumerate(compositions):
        matrix[row, [column[z] for z in composition.numbers]] = composition.counts
        matrix[row] /= composition.atoms
    return np.asarray(matrix[which])
