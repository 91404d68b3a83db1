"""What an element on a site contributes to a prediction, averaged over crystals.

Source: Xie and Grossman, Phys. Rev. Lett. 120 (2018) 145301, Fig. 3: mean site energies of every element on the
A and on the B site of perovskites, which say where an element makes a compound stable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.representations.composition import SYMBOLS
from aiida_mlhull.science.types.crystals import Floats, Integers


@dataclass(frozen=True, eq=False)
class SiteAverages:
    """Means by element and kind of site.

    Attributes:
        elements: (E,) atomic numbers, ascending.
        kinds: (K,) names of the kinds of sites, in alphabetical order.
        means: (E, K) mean contribution, NaN where the element is never on such a site.
        counts: (E, K) sites averaged over.
    """

    elements: Integers
    kinds: tuple[str, ...]
    means: Floats
    counts: Integers

    def listed(self, *, fewest: int = 1) -> list[tuple[str, str, int, float]]:
        """Element, kind of site, sites and mean contribution, by kind and ascending mean.

        Args:
            fewest: sites to average over; what has fewer is left out.
        """
        rows = [
            (SYMBOLS[self.elements[row] - 1], self.kinds[column], int(count), float(self.means[row, column]))
            for (row, column), count in np.ndenumerate(self.counts)
            if count >= fewest
        ]
        return sorted(rows, key=lambda line: (line[1], line[3]))


def by_kind(averages: SiteAverages, *, fewest: int = 1) -> dict[str, dict[str, float]]:
    """Mean contribution by kind of site and element, of those with so many sites."""
    found: dict[str, dict[str, float]] = {}
    for symbol, kind, _, mean in averages.listed(fewest=fewest):
        found.setdefault(kind, {})[symbol] = mean
    return found


def site_averages(contributions: Floats, numbers: NDArray[np.integer], kinds: Sequence[str]) -> SiteAverages:
    """Average (N,) contributions of sites over all sites of one element and kind.

    Args:
        contributions: see :meth:`aiida_mlhull.science.models.cgcnn.CGCNN.site_contributions`.
        numbers: (N,) atomic numbers.
        kinds: (N,) what sort of site it is: ``"A"``, ``"B"``, a Wyckoff letter.

    Raises:
        TableError: if the lengths differ.
    """
    if not len(contributions) == len(numbers) == len(kinds):
        raise TableError(f"{len(contributions)} contributions, {len(numbers)} elements and {len(kinds)} kinds of sites")
    elements, rows = np.unique(np.asarray(numbers, dtype=np.int64), return_inverse=True)
    names, columns = np.unique(np.asarray(kinds, dtype=np.str_), return_inverse=True)
    sums, counts = np.zeros((len(elements), len(names))), np.zeros((len(elements), len(names)), dtype=np.int64)
    np.add.at(sums, (rows.ravel(), columns.ravel()), contributions)
    np.add.at(counts, (rows.ravel(), columns.ravel()), 1)
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return SiteAverages(elements, tuple(names.tolist()), means, counts)
