"""Formulas as reduced integers: the only form in which compositions are compared.

Fractions such as 0.333333333333 and 1/3 differ by residues that put a candidate into the wrong chemical
system or apart from its own polymorph. Two formulas are the same composition here exactly when their
reduced integer counts are equal. :mod:`~aiida_mlhull.science.representations.formulas` reads the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm
from typing import Final, NamedTuple

import numpy as np

from aiida_mlhull.science.errors import FormulaError, listed
from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.representations.formulas import WrittenAmount, amounts_in, check_capitals
from aiida_mlhull.science.types.crystals import Floats, Integers

SYMBOLS: Final[tuple[str, ...]] = tuple(element_table().symbols[1:].tolist())
"""Element symbols in the order of atomic numbers; ``SYMBOLS[z - 1]``."""

NUMBERS: Final = {symbol: number for number, symbol in enumerate(SYMBOLS, start=1)}
ISOTOPES: Final = {"D": 1, "T": 1}
"""Deuterium and tritium, which have hydrogen's energies and which pymatgen reads as elements."""

EXACTNESS: Final = Fraction(1, 10**9)
"""Relative; the ratio of two elements is never further off than this from what a formula says."""

MOST_ATOMS: Final = 2**53
"""Of a reduced formula; up to here a float holds every count exactly."""

_SNAP: Final = EXACTNESS * Fraction(2, 5)
"""Relative; both of two amounts may be off by so much and their ratio is still exact."""


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
    """Read a formula: ``"Ba4As16"`` is BaAs4, D2O is water. Decimal amounts, brackets and hydrates are understood.

    No element is dropped, whatever its share.

    Raises:
        FormulaError: if it is not a formula, can be read in two ways, names an unknown element, or is finer than can
            be told exactly.
    """
    return _reduced(_by_element(amounts_in(formula), formula), formula)


@lru_cache(maxsize=1 << 18)
def stated_composition(formula: str) -> Composition:
    """What a text of other people means: as :func:`reduce_formula`, but capitals that may mean something else are refused.

    Raises:
        FormulaError: see :func:`reduce_formula` and :func:`~aiida_mlhull.science.representations.formulas.check_capitals`.
    """
    check_capitals(formula)
    return reduce_formula(formula)


def from_amounts(amounts: Mapping[str, float]) -> Composition:
    """A composition out of numbers by element symbol, exact to :data:`EXACTNESS`.

    Raises:
        FormulaError: on unknown elements, and amounts that are negative or not finite.
    """
    said = " ".join(f"{symbol}{amount}" for symbol, amount in amounts.items())
    if not all(np.isfinite(amount) and amount >= 0 for amount in amounts.values()):
        raise FormulaError(f"amounts that are negative or not finite: {said}")
    exact = {symbol: WrittenAmount(Fraction(str(float(amount)))) for symbol, amount in amounts.items()}
    return _reduced(_by_element(exact, said), said)


def agrees(formula: str, composition: Composition) -> bool:
    """Whether a formula that a source states is this composition.

    Amounts with two decimals or more may be rounded in the last one: ``Li0.33CoO2`` agrees with LiCo3O6.

    Raises:
        FormulaError: see :func:`reduce_formula`.
    """
    stated = _by_element(amounts_in(formula), formula)
    atoms = dict(zip(composition.numbers, composition.counts, strict=True))
    if stated.keys() != atoms.keys():
        return reduce_formula(formula) == composition
    lowest = max((amount.value - amount.half) / atoms[z] for z, amount in stated.items())
    return lowest <= min((amount.value + amount.half) / atoms[z] for z, amount in stated.items())


def _by_element(amounts: Mapping[str, WrittenAmount], formula: str) -> dict[int, WrittenAmount]:
    """Amounts by atomic number, isotopes with their element, without elements that are written with a zero."""
    unknown = [symbol for symbol in amounts if not atomic_number(symbol)]
    if unknown:
        raise FormulaError(f"unknown elements in the formula {formula!r}: {listed(unknown)}")
    atoms: dict[int, WrittenAmount] = {}
    for symbol, amount in amounts.items():
        z = atomic_number(symbol)
        atoms[z] = atoms[z].plus(amount) if z in atoms else amount
    return {z: amount for z, amount in sorted(atoms.items()) if amount.value}


def _reduced(atoms: Mapping[int, WrittenAmount], formula: str) -> Composition:
    """The smallest integers in these proportions.

    Raises:
        FormulaError: if there are none, or none that are small enough.
    """
    if not atoms:
        raise FormulaError(f"the formula {formula!r} holds no atoms")
    exact = [amount.value for amount in atoms.values()]
    simple = [_simplest(value) for value in exact]
    scale = lcm(*(value.denominator for value in simple))
    counts = [int(value * scale) for value in simple]
    divisor = gcd(*counts)
    if sum(counts) > MOST_ATOMS * divisor:
        counts = [round(value * MOST_ATOMS / sum(exact)) for value in exact]
        divisor = gcd(*counts)
        if any(
            abs(count * sum(exact) - value * sum(counts)) > _SNAP * value * sum(counts)
            for count, value in zip(counts, exact, strict=True)
        ):
            raise FormulaError(f"the formula {formula!r} is finer than can be read exactly: write fewer digits")
    return Composition(tuple(atoms), tuple(count // divisor for count in counts))


def _simplest(value: Fraction) -> Fraction:
    """The value itself or, where it has many digits, the simplest fraction that it rounds."""
    denominator = 1000
    while value.denominator > denominator:
        rounded = value.limit_denominator(denominator)
        if abs(rounded - value) <= _SNAP * value:
            return rounded
        denominator *= 10
    return value


def chemical_system(formula: str) -> str:
    """Chemical system of a formula, ``"N-Ti-Zn"``."""
    return reduce_formula(formula).chemical_system


def distinct(formulas: Iterable[str]) -> tuple[list[Composition], Integers]:
    """The different compositions among n formulas, and which of them each formula is.

    Returns:
        The m compositions in order of first appearance, and (n,) positions in that list.
    """
    rows = list(formulas)
    spelled = dict.fromkeys(rows)  # every spelling is read once
    seen: dict[Composition, int] = {}
    place = {formula: seen.setdefault(reduce_formula(formula), len(seen)) for formula in spelled}
    return list(seen), np.fromiter(map(place.__getitem__, rows), dtype=np.int64, count=len(rows))


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
