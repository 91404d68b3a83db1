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
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
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
_LATTICE_POINTS: Final = {"P": 1, "S": 2, "I": 2, "R": 3, "F": 4}
_SIDE_CENTERED: Final = str.maketrans("ABC", "SSS")
_FIRST_OF_FAMILY: Final = (3, 16, 75, 143, 195)
_ORBITS: Final = re.compile(r"(\d*)([a-zA-Z])")
_GROUP: Final = re.compile(r"(?<=_)\d+(?=_)")
_WEIGHTS: Final = {"A": 0} | {chr(96 + weight): weight for weight in range(1, 27)}
_CAPITALS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER: Final = (76, 91, 92, 144, 151, 152, 169, 171, 178, 180, 212)
_HIGHER: Final = (78, 95, 96, 145, 153, 154, 170, 172, 179, 181, 213)
_MIRROR_IMAGES: Final = dict(zip(_HIGHER, _LOWER, strict=True))
"""The eleven enantiomorphic pairs of space groups, the higher number to the lower; their letters correspond."""

Occupied = tuple[tuple[tuple[str, int], ...], ...]
"""For every element its letters with the number of orbits on them."""

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


@lru_cache(maxsize=100_000)
def _aflow_word(number: int, pearson: str, occupied: Occupied, formula: tuple[int, ...]) -> str:
    """The label without its elements; empty if the orbits don't add up to the formula."""
    sites = multiplicities(number)
    if _reduced([sum(sites[letter] * n for letter, n in orbits) for orbits in occupied]) != formula:
        return ""
    anonymous = "".join(f"{capital}{n if n > 1 else ''}" for capital, n in zip(_CAPITALS, formula, strict=False))
    symbol = pearson[:1] + pearson[1:].translate(_SIDE_CENTERED)
    return f"{anonymous}_{symbol}_{number}_{_canonical_letters(number, occupied)}"


def _canonical_letters(number: int, occupied: Occupied) -> str:
    """Of all equivalent letterings the one with the lowest sum of letters, then the first in the alphabet."""
    letters = [letter for orbits in occupied for letter, _ in orbits]
    weighed = [
        (sum(weights[letter] for letter in letters), relabeling) for weights, relabeling in _letter_weights(number)
    ]
    lowest = min(weight for weight, _ in weighed)
    return min(_spelled(occupied, relabeling) for weight, relabeling in weighed if weight == lowest)


def _spelled(occupied: Occupied, relabeling: dict[str, str]) -> str:
    renamed = (sorted((relabeling[letter], n) for letter, n in orbits) for orbits in occupied)
    return "_".join("".join(f"{n if n > 1 else ''}{letter}" for letter, n in orbits) for orbits in renamed)


@cache
def _letter_weights(number: int) -> list[tuple[dict[str, int], dict[str, str]]]:
    """For every different relabeling the weight of each letter, and itself."""
    different = {tuple(relabeling.values()): relabeling for relabeling in relabelings(number)}
    return [({old: _WEIGHTS[new] for old, new in choice.items()}, choice) for choice in different.values()]


def label_of(number: int, elements: Sequence[str], occupied: Occupied) -> str:
    """The label of a representation that no crystal was needed for, whichever way it is lettered.

    Args:
        number: of the space group.
        elements: symbols in alphabetical order.
        occupied: for each of them its letters, with the number of orbits on them.
    """
    sites = multiplicities(number)
    counts = [sum(sites[letter] * n for letter, n in orbits) for orbits in occupied]
    word = _aflow_word(number, pearson_symbol(number, sum(counts)), occupied, _reduced(counts))
    return f"{word}:{'-'.join(elements)}"


@cache
def pearson_symbol(number: int, sites: int) -> str:
    """Crystal family, centering and sites of the conventional cell (hexagonal for rhombohedral crystals), ``"cF8"``."""
    family = "amothc"[bisect_right(_FIRST_OF_FAMILY, number)]
    centering = moyopy.SpaceGroupType(number).hm_short[0].translate(_SIDE_CENTERED)
    return f"{family}{centering}{sites}"


def space_group_numbers(labels: Sequence[str] | NDArray[np.str_]) -> Integers:
    """(n,) space-group numbers of protostructure labels, 0 for empty ones."""
    return np.asarray([int(label.split("_")[2]) if label else 0 for label in labels], dtype=np.int64)


def of_either_hand(labels: Sequence[str] | NDArray[np.str_]) -> NDArray[np.str_]:
    """(n,) the labels, or those of the mirror images where these have the lower space group, as P3₁21 for P3₂21.

    A crystal and its mirror image have one energy, and are one phase; their labels differ in eleven pairs of groups.
    """
    return np.asarray([_GROUP.sub(_lower_hand, str(label), count=1) for label in labels], dtype=np.str_)


def _lower_hand(found: re.Match[str]) -> str:
    return str(_MIRROR_IMAGES.get(int(found[0]), found[0]))


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


def primitive_sizes(labels: Sequence[str] | NDArray[np.str_]) -> Integers:
    """(n, 2) occupied positions, and sites of the primitive cell; zeros for empty labels."""
    return np.asarray([_primitive_size(str(label)) for label in labels], dtype=np.int64).reshape(-1, 2)


@lru_cache(maxsize=100_000)
def _primitive_size(label: str) -> tuple[int, int]:
    if not label:
        return 0, 0
    _, pearson, number, letters = label.partition(":")[0].split("_", 3)
    sites = multiplicities(int(number))
    orbits = [(int(n or 1), sites[letter]) for n, letter in _ORBITS.findall(letters)]
    return sum(n for n, _ in orbits), sum(n * size for n, size in orbits) // _LATTICE_POINTS[pearson[1]]
