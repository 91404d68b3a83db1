"""Space groups and prototypes of candidates as people say them, from labels where there are some."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import moyopy
import numpy as np

from aiida_mlhull.science.representations.wyckoff import protostructures, space_group_numbers
from aiida_mlhull.science.types.crystals import Crystals, Integers
from aiida_mlhull.science.types.table import Strings

MOST_SEARCHES: Final = 4000
"""Crystals whose symmetry is searched for where no label tells it: 3 ms each. What is beyond stays empty."""


@lru_cache(maxsize=256)
def space_group_symbol(number: int) -> str:
    """Short Hermann-Mauguin symbol and number, ``"Pnma (62)"``; empty for 0."""
    return f"{moyopy.SpaceGroupType(number).hm_short.replace(' ', '')} ({number})" if number else ""


def symbols(labels: Strings) -> Strings:
    """(n,) space groups of protostructure labels, in words."""
    return np.asarray([space_group_symbol(int(number)) for number in space_group_numbers(labels)], dtype=np.str_)


def prototype_words(labels: Strings) -> Strings:
    """(n,) what is the same for all crystals of a prototype: ``A2B_mP12_10_2mo_im`` without the elements."""
    return np.asarray([label.partition(":")[0] for label in labels.tolist()], dtype=np.str_)


def completed(
    labels: Strings, crystals: Crystals | None, *, first: Sequence[int] | Integers, room: int = MOST_SEARCHES
) -> tuple[Strings, int]:
    """Search for the symmetry of the crystals that have no label yet.

    Args:
        labels: (n,) protostructure labels, empty where not determined.
        crystals: n cells; None if there are none.
        first: row numbers in the order in which they are worth a search.
        room: at most so many searches.

    Returns:
        The labels, and how many searches were made.
    """
    if crystals is None:
        return labels, 0
    rows = np.asarray([row for row in np.asarray(first).tolist() if not labels[row]][:room], dtype=np.int64)
    if not len(rows):
        return labels, 0
    filled = labels.astype(object)
    filled[rows] = protostructures(crystals.take(rows))
    return filled.astype(np.str_), len(rows)
