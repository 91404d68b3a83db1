"""The best of every region: what a map shows where thousands of rows would hide what matters.

Within a family k-means finds clusters of like lattices, and of every cluster the best rows are taken, so that a branch
of the family with lower values is seen beside the one that holds the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import InputError, TableError
from aiida_mlhull.science.maps.points import MapPoints
from aiida_mlhull.science.reading.columns import Columns
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Booleans, Strings

STARTS: Final = 10
"""Starts of k-means; the best partition counts."""


@dataclass(frozen=True, eq=False)
class Selection:
    """Which of n rows were taken.

    Attributes:
        chosen: (n,) true where taken.
        clusters: (n,) number of the cluster within the family, by ascending features of its center; -1 for rows with
            a value or feature that is not finite.
        tied: (n,) not taken, though as good as the last one taken in its cluster: the table's order decided.
    """

    chosen: Booleans
    clusters: Integers
    tied: Booleans


def select_best(
    features: Floats,
    values: Floats,
    families: Strings | Sequence[str],
    *,
    clusters: int = 2,
    one_in: int = 5,
    at_least: int = 2,
    seed: int = 0,
) -> Selection:
    """Of every cluster of every family the ``max(at_least, n // one_in)`` rows with the highest values.

    Args:
        features: (n, F) what rows are clustered by, as they are, unscaled.
        values: (n,) what makes a row good.
        families: (n,) labels.
        clusters: per family; fewer where it has fewer different rows.
        one_in: one row in so many is taken.
        at_least: rows per cluster, if there are so many.
        seed: of k-means.

    Raises:
        TableError: if the columns don't fit together.
    """
    features, values = np.asarray(features, dtype=np.float64), np.asarray(values, dtype=np.float64)
    labels = np.asarray(families, dtype=np.str_)
    if features.ndim != 2 or not len(features) == len(values) == len(labels):  # noqa: PLR2004
        raise TableError(
            f"features {features.shape}, values {values.shape} and families {labels.shape} don't fit together"
        )
    usable = np.isfinite(features).all(axis=1) & np.isfinite(values)
    chosen, tied = np.zeros(len(labels), dtype=bool), np.zeros(len(labels), dtype=bool)
    numbers = np.full(len(labels), -1, dtype=np.int64)
    for family in sorted(set(labels[usable].tolist())):
        rows = np.flatnonzero(usable & (labels == family))
        numbers[rows] = _partition(features[rows], clusters=clusters, seed=seed)
        for cluster in range(int(numbers[rows].max()) + 1):
            members = rows[numbers[rows] == cluster]
            ranked = members[np.argsort(-values[members], kind="stable")]
            count = max(at_least, len(members) // one_in)
            chosen[ranked[:count]] = True
            left = ranked[count:]
            tied[left] = values[left] == values[ranked[:count][-1]]
    return Selection(chosen, numbers, tied)


def _partition(features: Floats, *, clusters: int, seed: int) -> Integers:
    """(n,) cluster of every row, numbered by ascending centers."""
    from sklearn.cluster import KMeans  # noqa: PLC0415  (slow import)

    count = min(clusters, len(np.unique(features, axis=0)))
    model = KMeans(n_clusters=count, n_init=STARTS, random_state=seed).fit(features)
    order = np.lexsort(model.cluster_centers_.T[::-1])
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    return np.asarray(rank[model.labels_])


def best_points(points: MapPoints, table: Columns, features: Sequence[str]) -> Selection:
    """Which points of a map have the highest color of their cluster.

    Args:
        points: with values as their color.
        table: that the points were read from.
        features: its columns that rows are clustered by.

    Raises:
        InputError: if the map has no color to be best in.
        TableError: if the table lacks a column.
    """
    if points.color is None:
        raise InputError("--best needs --color: it takes the rows with the highest values of it")
    block = np.column_stack([table.floats(table.first_of([name], what="--best")) for name in features])
    return select_best(block, points.color, points.families)
