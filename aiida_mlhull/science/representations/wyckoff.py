"""Protostructure labels: space group, Wyckoff letters and elements of a crystal in one canonical word.

``AB2_oS6_71_a_i:Ca-Si`` reads: anonymous formula in the order of the elements' symbols, Pearson symbol,
space group, Wyckoff letters of every element, elements. Letters depend on the choice of origin and axes;
of all equivalent choices (the cosets of the group's affine normalizer, tabulated in pymatgen) the one with
the lowest sum of letters is taken, as Goodall et al., Science Advances 8 (2022) eabn4117, define it. The
labels are those of ``pymatgen.analysis.prototypes`` but for one thing: the two symmetry libraries spell
centered monoclinic and orthorhombic Pearson symbols in different ways (``oC``, ``oA``, ``oS``), so that
equal crystals would get different labels; here it is always ``S``, as the IUCr recommends.
"""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import moyopy
import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.representations.wyckoff_tables import free_coordinates, multiplicities, relabelings
from aiida_mlhull.science.types.crystals import Crystals, Floats, Integers

TOLERANCE: Final = 0.1
"""Å; sites that are this near count as equal, and angles that differ by as much at the length of their
legs. (A tolerance of 5° for the angles, as often used with spglib, sends moyopy into searches of minutes.)"""

_LATTICE_PARAMETERS: Final = {"a": 6, "m": 4, "o": 3, "t": 2, "h": 2, "c": 1}
_SIDE_CENTERED: Final = str.maketrans("ABC", "SSS")
_ORBITS: Final = re.compile(r"(\d*)([a-zA-Z])")
_CAPITALS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# In a supercell moyopy warns that it leaves out operations that don't fit the cell; operations aren't read here.
logging.getLogger("moyo").setLevel(logging.ERROR)


def protostructures(crystals: Crystals, *, tolerance: float = TOLERANCE) -> NDArray[np.str_]:
    """(n,) labels; empty where the symmetry search fails or its letters contradict the composition.

    Args:
        crystals: n cells.
        tolerance: Å; see :data:`TOLERANCE`.
    """
    symbols = element_table().symbols
    labels = [_label(symbols, *crystals.arrays(index), tolerance=tolerance) for index in range(len(crystals))]
    return np.asarray(labels, dtype=np.str_) if labels else np.empty(0, dtype=np.str_)


def _label(
    symbols: NDArray[np.str_], lattice: Floats, numbers: NDArray[np.int16], frac_coords: Floats, *, tolerance: float
) -> str:
    atoms = numbers.tolist()
    try:
        found = moyopy.MoyoDataset(moyopy.Cell(lattice.tolist(), frac_coords.tolist(), atoms), symprec=tolerance)
    except ValueError:  # what moyopy raises when it finds no consistent group at this tolerance
        return ""
    wyckoffs = found.wyckoffs
    letters: dict[str, Counter[str]] = {}
    for site, orbit in enumerate(found.orbits):
        if site == orbit:
            letters.setdefault(str(symbols[atoms[site]]), Counter())[wyckoffs[site]] += 1
    elements = sorted(letters)
    occupied = tuple(tuple(sorted(letters[element].items())) for element in elements)
    counts = [atoms.count(int(np.flatnonzero(symbols == element)[0])) for element in elements]
    word = _aflow_word(found.number, found.pearson_symbol, occupied, _reduced(counts))
    return f"{word}:{'-'.join(elements)}" if word else ""


def _reduced(counts: Sequence[int]) -> tuple[int, ...]:
    divisor = math.gcd(*counts)
    return tuple(count // divisor for count in counts)


_Occupied = tuple[tuple[tuple[str, int], ...], ...]
"""For every element its letters with the number of orbits on them."""


@lru_cache(maxsize=100_000)
def _aflow_word(number: int, pearson: str, occupied: _Occupied, formula: tuple[int, ...]) -> str:
    """The label without its elements; empty if the orbits don't add up to the formula."""
    sites = multiplicities(number)
    if _reduced([sum(sites[letter] * n for letter, n in orbits) for orbits in occupied]) != formula:
        return ""
    anonymous = "".join(f"{capital}{n if n > 1 else ''}" for capital, n in zip(_CAPITALS, formula, strict=False))
    symbol = pearson[:1] + pearson[1:].translate(_SIDE_CENTERED)
    return f"{anonymous}_{symbol}_{number}_{_canonical_letters(number, occupied)}"


def _canonical_letters(number: int, occupied: _Occupied) -> str:
    """Of all equivalent letterings the one with the lowest sum of letters, then the first in the alphabet."""

    def spelled(relabeling: dict[str, str]) -> tuple[int, str]:
        renamed = [sorted((relabeling[letter], n) for letter, n in orbits) for orbits in occupied]
        weight = sum(0 if letter == "A" else ord(letter) - 96 for orbits in renamed for letter, _ in orbits)
        words = ("".join(f"{n if n > 1 else ''}{letter}" for letter, n in orbits) for orbits in renamed)
        return weight, "_".join(words)

    return min(spelled(relabeling) for relabeling in relabelings(number))[1]


def space_group_numbers(labels: Sequence[str] | NDArray[np.str_]) -> Integers:
    """(n,) space-group numbers of protostructure labels, 0 for empty ones."""
    return np.asarray([int(label.split("_")[2]) if label else 0 for label in labels], dtype=np.int64)


def free_parameters(labels: Sequence[str] | NDArray[np.str_]) -> Integers:
    """(n,) how many numbers but the scale a crystal of this label leaves open; -1 for empty labels.

    Free coordinates of the occupied positions and free lattice parameters, less one for the volume: with
    0 the label and the volume are the whole crystal.
    """
    return np.asarray([_free_parameters(str(label)) for label in labels], dtype=np.int64)


@lru_cache(maxsize=100_000)
def _free_parameters(label: str) -> int:
    if not label:
        return -1
    _, pearson, number, letters = label.partition(":")[0].split("_", 3)
    coordinates = free_coordinates(int(number))
    orbits = _ORBITS.findall(letters)
    return _LATTICE_PARAMETERS[pearson[0]] - 1 + sum(int(n or 1) * coordinates[letter] for n, letter in orbits)
