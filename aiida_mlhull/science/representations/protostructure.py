"""Protostructure labels taken apart: which positions are occupied, and how else they could be lettered."""

from __future__ import annotations

import re
from collections import Counter
from math import gcd
from typing import Final

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.representations.wyckoff import label_of
from aiida_mlhull.science.representations.wyckoff_tables import multiplicities, relabelings
from aiida_mlhull.science.types.wyckoff import Wyckoff

_LABEL: Final = re.compile(
    r"(?P<formula>(?:[A-Z]\d*)+)_(?P<pearson>[a-z][A-Z]\d+)_(?P<group>\d+)_(?P<letters>\w+):(?P<elements>.+)"
)
_AMOUNT: Final = re.compile(r"[A-Z](\d*)")
_POSITION: Final = re.compile(r"(\d*)([a-zA])")

Letters = tuple[tuple[str, ...], ...]
"""Letters of every element's positions."""


def read_protostructure(label: str) -> Wyckoff:
    """The Wyckoff representation that a label such as ``"AB2_oS6_71_a_i:Ca-Si"`` stands for.

    Multiplicities and equivalent letterings come from the tables in ``pymatgen.analysis.prototypes``.

    Raises:
        CrystalError: if it is not such a label, or its letters don't add up to its formula.
    """
    from pymatgen.analysis.prototypes import get_prototype_from_protostructure  # noqa: PLC0415  (imports pandas)

    group, elements, letters = letters_of(label)
    sites = multiplicities(group)
    ordered = _ordered(letters)
    return Wyckoff(
        space_group=group,
        elements=tuple(element for element, word in zip(elements, letters, strict=True) for _ in word),
        letters=ordered,
        multiplicities=tuple(sites[letter] for letter in ordered),
        equivalents=tuple(sorted({_ordered(_renamed(letters, choice)) for choice in relabelings(group)} | {ordered})),
        protostructure=label,
        prototype=get_prototype_from_protostructure(label),
    )


def letters_of(label: str) -> tuple[int, tuple[str, ...], Letters]:
    """Space group, elements, and the letters of every element's positions.

    Raises:
        CrystalError: if it is not such a label, or its letters don't add up to its formula.
    """
    match = _LABEL.fullmatch(label)
    if match is None:
        raise CrystalError(f"not a protostructure label: {label!r}; expected e.g. AB2_oS6_71_a_i:Ca-Si")
    group, elements = int(match["group"]), match["elements"].split("-")
    letters: Letters = tuple(_spelled_out(word) for word in match["letters"].split("_"))
    sites = multiplicities(group)
    unknown = sorted({letter for word in letters for letter in word} - set(sites) | set(elements) - set(NUMBERS))
    amounts = [int(amount or 1) for amount in _AMOUNT.findall(match["formula"])]
    if unknown or len({len(letters), len(elements), len(amounts)}) > 1 or elements != sorted(set(elements)):
        raise CrystalError(f"{label}: elements, formula and letters don't belong together in space group {group}")
    counts = [sum(sites[letter] for letter in word) for word in letters]
    if [count // gcd(*counts) for count in counts] != amounts:
        raise CrystalError(f"{label}: the letters add up to {counts} sites, the formula says {amounts}")
    return group, tuple(elements), letters


def formula_of(label: str) -> str:
    """The formula that a label stands for, elements in its own order: ``"Ca1Si2"``.

    Raises:
        CrystalError: if it is not such a label, or its letters don't add up to its formula.
    """
    _, elements, _ = letters_of(label)
    amounts = _AMOUNT.findall(label.partition("_")[0])
    return "".join(f"{element}{amount or 1}" for element, amount in zip(elements, amounts, strict=True))


def canonical_spelling(label: str) -> str:
    """The label that crystals of this representation get: of all equivalent letterings the first, Pearson symbol corrected.

    The AFLOW library counts rhombohedral crystals by their primitive cell (``hR10``), this package as
    pymatgen by the hexagonal one (``hR30``).

    Raises:
        CrystalError: if it is not a label, or its letters don't add up to its formula.
    """
    group, elements, letters = letters_of(label)
    return label_of(group, elements, tuple(tuple(sorted(Counter(word).items())) for word in letters))


def _spelled_out(word: str) -> tuple[str, ...]:
    """Letters of one element: ``"2ab"`` occupies a twice and b once."""
    return tuple(letter for count, letter in _POSITION.findall(word) for _ in range(int(count or 1)))


def _ordered(letters: Letters) -> tuple[str, ...]:
    return tuple(letter for word in letters for letter in sorted(word))


def _renamed(letters: Letters, choice: dict[str, str]) -> Letters:
    return tuple(tuple(choice[letter] for letter in word) for word in letters)
