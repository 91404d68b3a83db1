"""Numbers that say what a precursor is: elements in an order of similarity, and a few of their properties."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from aiida_mlhull.science.products.mass_balance import residue
from aiida_mlhull.science.representations.composition import NUMBERS, SYMBOLS, Composition
from aiida_mlhull.science.types.crystals import Floats, Integers

MODIFIED_PETTIFOR: Final = [
    "He",
    "Ne",
    "Ar",
    "Kr",
    "Xe",
    "Rn",
    "Fr",
    "Cs",
    "Rb",
    "K",
    "Na",
    "Li",
    "Ra",
    "Ba",
    "Sr",
    "Ca",
    "Eu",
    "Yb",
    "Lu",
    "Tm",
    "Y",
    "Er",
    "Ho",
    "Dy",
    "Tb",
    "Gd",
    "Sm",
    "Pm",
    "Nd",
    "Pr",
    "Ce",
    "La",
    "Ac",
    "Th",
    "Pa",
    "U",
    "Np",
    "Pu",
    "Am",
    "Cm",
    "Bk",
    "Cf",
    "Es",
    "Fm",
    "Md",
    "No",
    "Lr",
    "Sc",
    "Zr",
    "Hf",
    "Ti",
    "Nb",
    "Ta",
    "V",
    "Mo",
    "W",
    "Cr",
    "Tc",
    "Re",
    "Mn",
    "Fe",
    "Os",
    "Ru",
    "Co",
    "Ir",
    "Rh",
    "Ni",
    "Pt",
    "Pd",
    "Au",
    "Ag",
    "Cu",
    "Mg",
    "Hg",
    "Cd",
    "Zn",
    "Be",
    "Tl",
    "In",
    "Al",
    "Ga",
    "Pb",
    "Sn",
    "Ge",
    "Si",
    "B",
    "Bi",
    "Sb",
    "As",
    "P",
    "Te",
    "Se",
    "S",
    "C",
    "I",
    "Br",
    "Cl",
    "N",
    "O",
    "F",
    "H",
]
"""H. Glawe et al., New J. Phys. 18 (2016) 093011."""
ANIONS: Final = ("H", "C", "N", "O", "F", "S", "Cl", "Se", "Br", "I")
CATIONS: Final = np.asarray([z for z, symbol in enumerate(SYMBOLS) if symbol not in ANIONS], dtype=np.int64)
"""Columns of all other elements."""


@lru_cache(maxsize=1)
def places() -> Integers:
    """(Z,) place of every element on the modified Pettifor scale; superheavy ones stand at its end."""
    order = {symbol: place for place, symbol in enumerate(MODIFIED_PETTIFOR)}
    return np.asarray([order.get(symbol, len(order)) for symbol in SYMBOLS], dtype=np.int64)


@lru_cache(maxsize=1 << 14)
def described(precursor: Composition) -> tuple[float, ...]:
    """Features of one precursor: its main cation, its anions, how much of them, and what stays of it."""
    from pymatgen.core import Element  # noqa: PLC0415  (slow import)

    atoms = dict(zip(precursor.symbols, precursor.counts, strict=True))
    cations = {symbol: n for symbol, n in atoms.items() if symbol not in ANIONS} or atoms
    main = max(cations, key=lambda symbol: (cations[symbol], NUMBERS[symbol]))
    element = Element(main)
    whole = sum(cations.values())
    radius = element.average_ionic_radius or element.atomic_radius or 0.0
    states = element.common_oxidation_states or (0,)
    stays = residue(precursor)
    return (
        float(places()[NUMBERS[main] - 1]), float(element.X if np.isfinite(element.X) else 0.0), float(radius),
        float(element.group), float(element.row), float(max(states)), float(len(states)), float(len(cations)), float(whole),
        float(stays[NUMBERS["O"] - 1] / whole), *(atoms.get(symbol, 0) / whole for symbol in ANIONS),
    )  # fmt: skip


@lru_cache(maxsize=1)
def valences() -> Floats:
    """(Z, 3) largest, mean and smallest of the common positive oxidation states; zero where there are none."""
    from pymatgen.core import Element  # noqa: PLC0415  (slow import)

    rows = np.zeros((len(SYMBOLS), 3))
    for z, symbol in enumerate(SYMBOLS):
        if Element.is_valid_symbol(symbol):
            states = [state for state in Element(symbol).common_oxidation_states if state > 0] or [0]
            rows[z] = max(states), float(np.mean(states)), min(states)
    return rows


def cations_of(rows: Floats) -> Floats:
    """(n, Z) the same rows without anions; whole where nothing is left."""
    kept = rows.copy()
    kept[:, [NUMBERS[symbol] - 1 for symbol in ANIONS]] = 0.0
    return np.where(kept.sum(axis=1, keepdims=True) > 0, kept, rows)
