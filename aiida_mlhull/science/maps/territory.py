"""What a map covers: how many rows lie in every cell of a grid, and which regions are unexplored.

The grid spans the range of the rows. Cells without rows that touch along an edge form a region; the largest rectangle
within it states it in two ranges, as one would say it: "y above 2.5 at x below 1.90".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Booleans

OUTSIDE: Final = -2
OCCUPIED: Final = -1
FEWEST_ROWS: Final = 3


@dataclass(frozen=True, eq=False)
class Region:
    """Connected cells that no row lies in.

    Attributes:
        cells: (X, Y) true where the region is.
        share: of the whole grid's area.
        enclosed: whether rows lie all around it; else it reaches the border of the range.
        x: lowest and highest x of its largest rectangle.
        y: lowest and highest y of its largest rectangle.
    """

    cells: Booleans
    share: float
    enclosed: bool
    x: tuple[float, float]
    y: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Territory:
    """Occupancy of a grid, and what is empty in it.

    Attributes:
        x_edges: (X + 1,) ascending.
        y_edges: (Y + 1,) ascending.
        counts: (X, Y) rows in every cell.
        regions: empty ones, the largest first; each at least as large as was asked for.
    """

    x_edges: Floats
    y_edges: Floats
    counts: Integers
    regions: tuple[Region, ...]

    def where(self, x: Floats, y: Floats) -> Integers:
        """(n,) number of the empty region that each point lies in, :data:`OCCUPIED`, or :data:`OUTSIDE` the range.

        Points in an empty cell that belongs to no listed region count as occupied; points that are not finite as
        outside.
        """
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        inside = (x >= self.x_edges[0]) & (x <= self.x_edges[-1]) & (y >= self.y_edges[0]) & (y <= self.y_edges[-1])
        numbers = np.full(self.counts.shape, OCCUPIED, dtype=np.int64)
        for number, region in enumerate(self.regions):
            numbers[region.cells] = number
        found = np.full(len(x), OUTSIDE, dtype=np.int64)
        found[inside] = numbers[_bin(x[inside], self.x_edges), _bin(y[inside], self.y_edges)]
        return found


def explore(x: Floats, y: Floats, *, bins: int = 12, smallest: float = 0.02) -> Territory:
    """Count rows on a grid over their range and find the empty regions.

    Args:
        x: (n,) rows with a value that is not finite are left out.
        y: (n,).
        bins: cells along each axis.
        smallest: share of the grid below which an empty region is not worth mentioning.

    Raises:
        TableError: if fewer than three rows are left, or all of them have the same x or y.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    if len(x) < FEWEST_ROWS or np.ptp(x) == 0 or np.ptp(y) == 0:
        raise TableError(f"{len(x)} rows with finite x and y make no map: they have to differ in both")
    x_edges, y_edges = np.linspace(x.min(), x.max(), bins + 1), np.linspace(y.min(), y.max(), bins + 1)
    counts = np.zeros((bins, bins), dtype=np.int64)
    np.add.at(counts, (_bin(x, x_edges), _bin(y, y_edges)), 1)
    return Territory(x_edges, y_edges, counts, _regions(counts == 0, x_edges, y_edges, smallest=smallest))


def _bin(values: Floats, edges: Floats) -> Integers:
    """Cell of every value; an edge belongs to the cell above it, the last one to the last cell."""
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def _regions(empty: Booleans, x_edges: Floats, y_edges: Floats, *, smallest: float) -> tuple[Region, ...]:
    from scipy import ndimage  # noqa: PLC0415  (slow import)

    labels, count = ndimage.label(empty)
    found = []
    for number in range(1, count + 1):
        cells = labels == number
        if cells.mean() < smallest:
            continue
        (left, right), (low, high) = largest_rectangle(cells)
        border = cells[0].any() or cells[-1].any() or cells[:, 0].any() or cells[:, -1].any()
        found.append(
            Region(
                cells=cells,
                share=float(cells.mean()),
                enclosed=not border,
                x=(float(x_edges[left]), float(x_edges[right])),
                y=(float(y_edges[low]), float(y_edges[high])),
            )
        )
    return tuple(sorted(found, key=lambda region: (-region.share, region.x, region.y)))


def largest_rectangle(cells: Booleans) -> tuple[tuple[int, int], tuple[int, int]]:
    """The largest rectangle of true cells, as half-open ranges of rows and of columns.

    Every pair of a first and a last row is tried, with the longest run of columns that are true in all rows between.
    Of equally large ones the first is taken.

    Args:
        cells: (X, Y) with at least one true cell.
    """
    best, found = 0, ((0, 0), (0, 0))
    for first in range(len(cells)):
        solid = np.ones(cells.shape[1], dtype=bool)
        for last in range(first, len(cells)):
            solid &= cells[last]
            start, stop = _longest_run(solid)
            area = (last + 1 - first) * (stop - start)
            if area > best:
                best, found = area, ((first, last + 1), (start, stop))
    return found


def _longest_run(line: Booleans) -> tuple[int, int]:
    """Half-open range of the longest run of true values, the first of equally long ones."""
    steps = np.diff(np.concatenate([[0], line.astype(np.int8), [0]]))
    starts, stops = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    if not len(starts):
        return 0, 0
    longest = int(np.argmax(stops - starts))
    return int(starts[longest]), int(stops[longest])
