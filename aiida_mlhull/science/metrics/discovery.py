"""What an order of calculations is worth: how fast the stable phases are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics.classification import ratio
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Booleans
from aiida_mlhull.science.units import ON_HULL_TOLERANCE, share_of

WITHIN: Final = (0.0, 0.010, 0.020, 0.030)
"""eV/atom, the notions of stable in Goodall 2021."""


@dataclass(frozen=True, eq=False)
class DiscoveryCurve:
    """Hits along an order of calculations, first to last.

    Attributes:
        hits: (n + 1,) found after so many calculations, starting with none.
        total: hits there are among all candidates.
        candidates: all candidates, calculated or not.
    """

    hits: Integers
    total: int
    candidates: int

    @property
    def calculations(self) -> Integers:
        """(n + 1,) 0, 1, 2 and so on."""
        return np.arange(len(self.hits))

    @property
    def recall(self) -> Floats:
        """(n + 1,) share of all hits that has been found; NaN where there are none to find."""
        return np.asarray(self.hits / self.total if self.total else np.full(len(self.hits), np.nan))

    @property
    def precision(self) -> Floats:
        """(n + 1,) share of the calculations that were hits; NaN before the first one."""
        shares = np.full(len(self.hits), np.nan)
        shares[1:] = self.hits[1:] / self.calculations[1:]
        return shares

    @property
    def enrichment(self) -> Floats:
        """(n + 1,) enrichment factor: precision over prevalence, 1 for a random order (Goodall 2021)."""
        prevalence = ratio(self.total, self.candidates)
        return np.asarray(self.precision / prevalence if prevalence > 0 else np.full(len(self.hits), np.nan))

    def acceleration(self, recall: float) -> float:
        """How many times fewer calculations than a random order needs on average to find this share of the hits.

        NaN if the curve ends before, or there is nothing to find.
        """
        wanted = share_of(self.total, recall)
        reached = np.flatnonzero(self.hits >= wanted)
        if wanted < 1 or not len(reached):
            return float("nan")
        # the k-th of H hits in a random order of N comes at k (N + 1) / (H + 1) on average
        return wanted * (self.candidates + 1) / (self.total + 1) / int(reached[0])

    @property
    def area(self) -> float:
        """Normalized area under recall against the share of candidates calculated: 1 ideal, 0 random on average.

        Negative for orders worse than random. What has not been calculated is taken to come in random order.
        """
        if not 0 < self.total < self.candidates:
            return float("nan")
        rest = np.linspace(self.hits[-1], self.total, self.candidates - len(self.hits) + 2)[1:]
        whole = np.concatenate([self.hits, rest])
        under = (whole[1:] + whole[:-1]).sum() / 2.0 / self.total / self.candidates
        ideal = 1.0 - self.total / self.candidates / 2.0
        return float((under - 0.5) / (ideal - 0.5))


def discovery_curves(
    order: Integers, above_hull: Floats, *, thresholds: Sequence[float] = WITHIN
) -> dict[float, DiscoveryCurve]:
    """The curve for every notion of stable enough: threshold in eV/atom to curve.

    Args:
        order: row numbers in the order in which they were calculated.
        above_hull: (n,) eV/atom, true energy above the hull.
        thresholds: eV/atom; rows at most this far above the hull count as found.
    """
    return {limit: discovery_curve(order, above_hull <= max(limit, ON_HULL_TOLERANCE)) for limit in thresholds}


def discovery_curve(order: Integers, hits: Booleans) -> DiscoveryCurve:
    """Follow an order of calculations.

    Args:
        order: row numbers in the order in which they were calculated, each at most once.
        hits: (n,) which candidates count as found, for instance those within 20 meV/atom of the hull.

    Raises:
        TableError: if a row is calculated twice or doesn't exist.
    """
    rows = np.asarray(order, dtype=np.int64)
    if len(np.unique(rows)) != len(rows) or (len(rows) and (rows.min() < 0 or rows.max() >= len(hits))):
        raise TableError("an order of calculations names every row at most once, from 0 on")
    found = np.concatenate([[0], np.cumsum(hits[rows])])
    return DiscoveryCurve(hits=found.astype(np.int64), total=int(hits.sum()), candidates=len(hits))


def lead_changes(first: DiscoveryCurve, second: DiscoveryCurve) -> list[int]:
    """Where two orders of calculations cross over: after how many calculations the other one is ahead.

    After equally many calculations of the same candidates, precision and recall differ in the same direction, so that
    the curves of both cross there.

    Args:
        first: of one model.
        second: of another one, on the same candidates.

    Raises:
        TableError: if they are about other candidates.
    """
    if (first.total, first.candidates) != (second.total, second.candidates):
        raise TableError("two orders of calculations are compared on the same candidates only")
    length = min(len(first.hits), len(second.hits))
    ahead = np.sign(first.hits[:length] - second.hits[:length])
    leads = np.flatnonzero(ahead)
    changes: list[int] = leads[1:][ahead[leads[1:]] != ahead[leads[:-1]]].tolist()
    return changes
