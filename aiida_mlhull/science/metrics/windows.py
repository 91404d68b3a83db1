"""Where along the distance from the hull a model errs, and which way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics.classification import is_stable
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Booleans

WINDOW: Final = 0.040
"""eV/atom, width of the windows in matbench-discovery."""
STEP: Final = 0.005
"""eV/atom, from one window to the next."""


@dataclass(frozen=True, eq=False)
class RollingError:
    """Mean absolute error in overlapping windows of the true distance from the hull.

    Where the error is larger than the distance itself, the average error is enough to move a candidate
    to the other side of the hull: the V that the plot draws.

    Attributes:
        centers: (w,) eV/atom.
        mae: (w,) eV/atom, NaN in empty windows.
        standard_error: (w,) eV/atom of that mean, NaN with fewer than two rows.
        counts: (w,) rows in each window.
    """

    centers: Floats
    mae: Floats
    standard_error: Floats
    counts: Integers

    @property
    def inside_the_v(self) -> Booleans:
        """(w,) true where the mean error exceeds the distance from the hull."""
        return np.asarray(self.mae > np.abs(self.centers))


def rolling_error(
    distance: Floats,
    error: Floats,
    *,
    start: float = -0.2,
    stop: float = 0.3,
    window: float = WINDOW,
    step: float = STEP,
) -> RollingError:
    """Average the absolute error over windows of the distance.

    Args:
        distance: (n,) eV/atom, true distance from the hull.
        error: (n,) eV/atom, predicted minus true; NaN rows are left out.
        start: eV/atom, first center.
        stop: eV/atom, last center.
        window: eV/atom, full width; both ends belong to it.
        step: eV/atom between centers.

    Raises:
        TableError: if lengths differ.
    """
    if distance.shape != error.shape:
        raise TableError(f"{distance.shape} distances and {error.shape} errors don't belong together")
    there = ~(np.isnan(distance) | np.isnan(error))
    order = np.argsort(distance[there], kind="stable")
    x, size = distance[there][order], np.abs(error[there][order])
    centers = np.asarray(start + step * np.arange(round((stop - start) / step) + 1), dtype=np.float64)
    first = np.searchsorted(x, centers - window / 2, side="left")
    last = np.searchsorted(x, centers + window / 2, side="right")
    rows = [size[a:b] for a, b in zip(first, last, strict=True)]
    counts = (last - first).astype(np.int64)
    return RollingError(
        centers=centers,
        mae=np.asarray([part.mean() if len(part) else np.nan for part in rows]),
        standard_error=np.asarray(
            [part.std(ddof=1) / np.sqrt(len(part)) if len(part) > 1 else np.nan for part in rows]
        ),
        counts=counts,
    )


@dataclass(frozen=True, eq=False)
class StabilityHistogram:
    """Right and wrong by distance from the hull.

    Attributes:
        edges: (b + 1,) eV/atom.
        true_positives: (b,) stable, and said to be.
        false_negatives: (b,) stable, but said to be unstable.
        false_positives: (b,) unstable, but said to be stable.
        true_negatives: (b,) unstable, and said to be.
    """

    edges: Floats
    true_positives: Integers
    false_negatives: Integers
    false_positives: Integers
    true_negatives: Integers


def stability_histogram(
    true: Floats, predicted: Floats, *, along: Floats, edges: Floats, threshold: float = 0.0
) -> StabilityHistogram:
    """Count true and false positives and negatives in bins.

    Args:
        true: (n,) eV/atom, true distance from the hull.
        predicted: (n,) eV/atom, predicted distance; NaN counts as unstable.
        along: (n,) eV/atom, what the bins are made of: ``true`` or ``predicted``.
        edges: (b + 1,) eV/atom; rows outside are left out.
        threshold: eV/atom, what is still stable.
    """
    stable, said = is_stable(true, threshold=threshold), is_stable(predicted, threshold=threshold)

    def count(which: Booleans) -> Integers:
        return np.histogram(along[which], bins=edges)[0].astype(np.int64)

    return StabilityHistogram(
        edges=np.asarray(edges, dtype=np.float64),
        true_positives=count(stable & said),
        false_negatives=count(stable & ~said),
        false_positives=count(~stable & said),
        true_negatives=count(~stable & ~said),
    )
