"""Names for groups of elements that people leave out together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiida_mlhull.science.errors import InputError, listed
from aiida_mlhull.science.representations.composition import NUMBERS

GROUPS: Final[dict[str, frozenset[int]]] = {
    "noble_gases": frozenset({2, 10, 18, 36, 54, 86, 118}),
    "halogens": frozenset({9, 17, 35, 53, 85, 117}),
    "chalcogens": frozenset({8, 16, 34, 52, 84, 116}),
    "alkali_metals": frozenset({3, 11, 19, 37, 55, 87}),
    "lanthanides": frozenset(range(57, 72)),
    "actinides": frozenset(range(89, 104)),
    "radioactive": frozenset({43, 61, *range(84, 119)}),
    "toxic": frozenset({4, 33, 48, 80, 81, 82}),
}
"""Atomic numbers. ``radioactive``: no stable isotope and none that is as good as stable (bismuth is).
``toxic``: Be, As, Cd, Hg, Tl, Pb, which laboratories like to do without."""


def excluded_numbers(names: Sequence[str]) -> frozenset[int]:
    """Atomic numbers of groups and single elements.

    Raises:
        InputError: if a name is neither.
    """
    unknown = [name for name in names if name not in GROUPS and name not in NUMBERS]
    if unknown:
        raise InputError(
            f"neither elements nor groups of elements: {listed(unknown)}; groups: {', '.join(sorted(GROUPS))}"
        )
    return frozenset().union(*(GROUPS[name] if name in GROUPS else {NUMBERS[name]} for name in names))
