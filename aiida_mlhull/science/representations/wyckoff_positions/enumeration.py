"""All Wyckoff representations of a composition in a space group: counted without listing them, and listed.

A representation puts every element on a multiset of Wyckoff positions whose multiplicities add up to a
multiple of its amount in the formula. A position without free coordinate takes one element once; all others
may be occupied as often as one likes. Two representations that another choice of origin and axes carries
into each other (an element of the group's affine normalizer that permutes the letters) are the same.

Counting. Without that last rule, a product of one factor a position is a generating function of all
representations: 1 + Σ_e x_e^m t for a position of multiplicity m without freedom, and the geometric series
Π_e 1 / (1 - x_e^m t) for one with; the exponent of x_e counts sites of element e, that of t positions. With
it, Burnside's lemma gives the number of orbits: the average, over all permutations of letters, of the
representations that a permutation leaves alone. Those have equal content on all positions of a cycle, so
that a cycle of length L acts as one position with x^L and t^L.

Nothing is said about whether a representation's generic crystal has this space group or a higher one;
only building it shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from math import comb
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.representations.composition import Composition
from aiida_mlhull.science.representations.wyckoff import Occupied, label_of
from aiida_mlhull.science.representations.wyckoff_tables import free_coordinates, multiplicities, relabelings

SAFE: Final = 1 << 62
"""Counts up to here fit 64-bit integers; where they might not, Python's own are used."""

Cycle = tuple[int, int, bool]
"""Length, multiplicity of its positions, whether they have free coordinates."""

Cycles = tuple[tuple[Cycle, int], ...]
"""Cycles of a permutation with how often each occurs."""


def count_representations(group: int, composition: Composition, *, max_sites: int, max_positions: int) -> int:
    """How many different representations there are.

    Args:
        group: space-group number.
        composition: reduced.
        max_sites: of the conventional cell, all elements together.
        max_positions: occupied at most.

    Raises:
        CrystalError: if there is no such space group.
    """
    cells = max_sites // composition.atoms
    if not cells:
        return 0
    kinds = _permutations(group)
    total = sum(
        n * _unchanged(cycles, composition.counts, cells=cells, positions=max_positions) for cycles, n in kinds.items()
    )
    return total // sum(kinds.values())


@cache
def _permutations(group: int) -> Counter[Cycles]:
    """The permutations of letters by their cycles."""
    letters = sorted(multiplicities(group))
    different = {tuple(choice[letter] for letter in letters) for choice in relabelings(group)}
    return Counter(_cycles(group, dict(zip(letters, choice, strict=True))) for choice in different)


def _cycles(group: int, permutation: dict[str, str]) -> Cycles:
    sites, free = multiplicities(group), free_coordinates(group)
    left = set(permutation)
    found: Counter[Cycle] = Counter()
    while left:
        start = letter = min(left)
        length = 0
        while letter in left:
            left.remove(letter)
            letter = permutation[letter]
            length += 1
        found[length, sites[start], free[start] > 0] += 1
    return tuple(sorted(found.items()))


@cache
def _unchanged(cycles: Cycles, amounts: tuple[int, ...], *, cells: int, positions: int) -> int:
    """Representations with at most so many formula units and positions that a permutation leaves alone."""
    shape = (*(cells * amount + 1 for amount in amounts), positions + 1)
    letters = sum(length * n for (length, _, _), n in cycles)
    small = comb(letters * len(amounts) + positions, positions) < SAFE
    ways: NDArray[Any] = np.zeros(shape, dtype=np.int64 if small else object)
    ways[(0,) * len(shape)] = 1
    for (length, sites, free), n in cycles:
        for _ in range(n):
            ways = _occupied(ways, sites=length * sites, positions=length, free=free)
    units = range(1, cells + 1)
    return int(sum(ways[tuple(unit * amount for amount in amounts)].sum() for unit in units))


def _occupied(ways: NDArray[Any], *, sites: int, positions: int, free: bool) -> NDArray[Any]:
    """Multiply a generating function by the factor of one position (or cycle of positions)."""
    if positions >= ways.shape[-1]:
        return ways
    result = ways.copy()
    for axis in range(ways.ndim - 1):
        given = np.moveaxis(result if free else ways, axis, 0)
        grown = np.moveaxis(result, axis, 0)  # a view: in a geometric series what was added counts on
        for count in range(sites, len(grown)):
            grown[count, ..., positions:] += given[count - sites, ..., :-positions]
    return result


def representations(group: int, composition: Composition, *, max_sites: int, max_positions: int) -> Iterator[str]:
    """Stream the labels of all different representations; see :func:`count_representations`.

    Of equivalent ones only the first in order is ever completed: an element's letters that some permutation
    makes smaller are passed over at once, and only permutations that leave them alone are looked at for
    the next element. Small cells come first. Memory doesn't grow with the number of representations.

    Raises:
        CrystalError: if there is no such space group.
    """
    pairs = sorted(zip(composition.symbols, composition.counts, strict=True))
    elements = [symbol for symbol, _ in pairs]
    letters = sorted(multiplicities(group))
    different = {tuple(choice[letter] for letter in letters) for choice in relabelings(group)}
    choices = [dict(zip(letters, choice, strict=True)) for choice in sorted(different)]
    for units in range(1, max_sites // composition.atoms + 1):
        wanted = [units * amount for _, amount in pairs]
        for occupied in _all_occupied(group, letters, wanted, max_positions, taken=frozenset(), choices=choices):
            yield label_of(group, elements, occupied)


def _all_occupied(
    group: int,
    letters: Sequence[str],
    wanted: Sequence[int],
    positions: int,
    *,
    taken: frozenset[str],
    choices: list[dict[str, str]],
) -> Iterator[Occupied]:
    """Every different way to put elements with so many sites on positions of which some are taken.

    Args:
        group: space group.
        letters: its letters.
        wanted: sites of each element that is still to be placed.
        positions: how many may be occupied.
        taken: positions without freedom that are occupied.
        choices: permutations of letters that leave alone what is placed already.
    """
    if not wanted:
        yield ()
        return
    free = free_coordinates(group)
    for orbits in _multisets(group, letters, wanted[0], positions - len(wanted) + 1, taken):
        images = [tuple(sorted((choice[letter], n) for letter, n in orbits)) for choice in choices]
        if min(images) < orbits:
            continue
        same = [choice for choice, image in zip(choices, images, strict=True) if image == orbits]
        fixed = taken | {letter for letter, _ in orbits if not free[letter]}
        left = positions - sum(n for _, n in orbits)
        for others in _all_occupied(group, letters, wanted[1:], left, taken=fixed, choices=same):
            yield (orbits, *others)


def _multisets(
    group: int, letters: Sequence[str], sites: int, positions: int, taken: frozenset[str]
) -> Iterator[tuple[tuple[str, int], ...]]:
    """Every multiset of letters with so many sites in sum, on at most so many positions."""
    if not sites:
        yield ()
        return
    if not letters or positions < 1:
        return
    first, rest = letters[0], letters[1:]
    size = multiplicities(group)[first]
    most = min(sites // size, positions)
    if not free_coordinates(group)[first]:
        most = min(most, 0 if first in taken else 1)
    for n in range(most, -1, -1):
        for others in _multisets(group, rest, sites - n * size, positions - n, taken):
            yield ((first, n), *others) if n else others
