"""A fixed vector for every Wyckoff position: crystal family, centering, algebraic terms and offsets.

Source: Goodall, Parackal, Faber, Armiento and Lee, Sci. Adv. 8 (2022) eabn4117; Goodall's thesis, section 6.
A position's coordinate triplets, centering translations applied, are taken apart into what depends on free
coordinates and what doesn't: (x, -x + 1/2, 1/4) is the term (x, -x, 0) with the offset (0, 1/2, 1/4). The
vector counts how often each term and each offset occurs, and encodes the crystal family (6) and the
centering (5: P, C, I, F, R).

Only the first triplet of a position is stored (``data/wyckoff_positions.csv``); the group's operations give
the others. That makes 1,731 positions, 185 terms and 326 offsets, 522 columns, and 1,056 different rows:
positions with equal rows are indistinguishable to the network.

**Difference from the published table** (``bra-alg-off.json`` of aviary-models, 444 columns): families,
centerings and terms are the same, column for column. It has 248 columns of offsets where there are 326
here, and they are not a function of the coordinates: of 225 f, which is (x, x, x) and its images in an
F-centered cell, all 32 are counted as offset zero, although the centering moves 24 of them. Here they are
counted eight at a time at (0, 0, 0), (0, 1/2, 1/2), (1/2, 0, 1/2) and (1/2, 1/2, 0). So the published table has fewer
different rows (1,038).
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

import moyopy
import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.types.crystals import Integers

_LAST_OF_FAMILY: Final = (2, 15, 74, 142, 194, 230)
_CENTERINGS: Final = {"P": 0, "A": 1, "B": 1, "C": 1, "I": 2, "F": 3, "R": 4}
_STEPS: Final = 24
"""All offsets of the tables are multiples of 1/24."""

_SUMMAND: Final = re.compile(r"([+-]?)(\d+/\d+|\d*)([xyz]?)")


@dataclass(frozen=True, eq=False)
class WyckoffEmbedding:
    """All positions.

    Attributes:
        table: (K, D) the different rows.
        kinds: (group, letter) to the row of ``table``.
        families: columns of the crystal family.
        centerings: columns of the centering.
        terms: columns of the algebraic terms.
        offsets: columns of the offsets.
    """

    table: NDArray[np.float32]
    kinds: dict[tuple[int, str], int]
    families: slice
    centerings: slice
    terms: slice
    offsets: slice

    def kind(self, group: int, letter: str) -> int:
        """Row of a position.

        Raises:
            CrystalError: if there is no such position.
        """
        try:
            return self.kinds[group, letter]
        except KeyError:
            raise CrystalError(f"space group {group} has no Wyckoff position {letter!r}") from None


@cache
def wyckoff_embedding() -> WyckoffEmbedding:
    """The table of all 230 groups, made once in a fifth of a second."""
    text = files("aiida_mlhull.science.representations").joinpath("data", "wyckoff_positions.csv").read_text("utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    names = [(int(row["group"]), row["letter"]) for row in rows]
    triplets = [coordinates(group, row["coordinates"]) for (group, _), row in zip(names, rows, strict=True)]
    parts = [
        np.stack([np.eye(len(_LAST_OF_FAMILY))[_family(group)] for group, _ in names]),
        np.stack([np.eye(max(_CENTERINGS.values()) + 1)[_centering(group)] for group, _ in names]),
        _counted([terms for terms, _ in triplets]),
        _counted([offsets for _, offsets in triplets]),
    ]
    borders = np.cumsum([0, *(part.shape[1] for part in parts)]).tolist()
    table, kinds = np.unique(np.concatenate(parts, axis=1), axis=0, return_inverse=True)
    families, centerings, terms, offsets = (slice(*pair) for pair in pairwise(borders))
    known = dict(zip(names, kinds.ravel().tolist(), strict=True))
    return WyckoffEmbedding(table.astype(np.float32), known, families, centerings, terms, offsets)


def coordinates(group: int, first: str) -> tuple[Integers, Integers]:
    """All coordinate triplets of a position in the conventional cell, from the first of them.

    Args:
        group: space-group number.
        first: such as ``"x -x+1/2 1/4"``.

    Returns:
        (m, 9) integer matrices that multiply (x, y, z), and (m, 3) offsets in units of 1/24, each in [0, 24).
    """
    rotations, translations = _operations(group)
    matrix, offset = _parsed(first)
    moved = np.rint((rotations @ offset + translations) * _STEPS).astype(np.int64) % _STEPS
    distinct = np.unique(np.concatenate([(rotations @ matrix).reshape(-1, 9), moved], axis=1), axis=0)
    return distinct[:, :9], distinct[:, 9:]


@cache
def _operations(group: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    found = moyopy.operations_from_number(group, setting=moyopy.Setting.standard())
    return np.asarray(found.rotations, dtype=np.int64), np.asarray(found.translations, dtype=np.float64)


def _parsed(triplet: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    matrix, offset = np.zeros((3, 3), dtype=np.int64), np.zeros(3)
    for row, word in enumerate(triplet.split()):
        for sign, number, variable in _SUMMAND.findall(word):
            factor = -1 if sign == "-" else 1
            if variable:
                matrix[row, "xyz".index(variable)] += factor * int(number or 1)
            elif number:
                numerator, _, denominator = number.partition("/")
                offset[row] += factor * int(numerator) / int(denominator or 1)
    return matrix, offset


def _family(group: int) -> int:
    return int(np.searchsorted(_LAST_OF_FAMILY, group))


def _centering(group: int) -> int:
    return _CENTERINGS[moyopy.SpaceGroupType(group).hm_short[0]]


def _counted(parts: list[Integers]) -> NDArray[np.int64]:
    """(n, d) how often each of the d different rows occurs in each of n tables."""
    owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    different, which = np.unique(np.concatenate(parts), axis=0, return_inverse=True)
    counts = np.zeros((len(parts), len(different)), dtype=np.int64)
    np.add.at(counts, (owner, which.ravel()), 1)
    return counts
