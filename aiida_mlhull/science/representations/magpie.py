"""Magpie's features of a composition: statistics over the properties of its elements.

Source: Ward, Agrawal, Choudhary and Wolverton, npj Comput. Mater. 2 (2016) 16028. Of 22 properties the
minimum, maximum, range, mean, mean absolute deviation and mode over the elements, weighted by their
fractions; six norms of the fractions; the shares of s, p, d and f among the valence electrons: 142 numbers,
as matminer's ``ElementProperty`` (preset ``magpie``), ``Stoichiometry`` and ``ValenceOrbital`` give them. Left
out: guesses at ionicity, which fail for many intermetallics. A property that Magpie doesn't know for an
element is its mean over all elements.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from aiida_mlhull.science.types.crystals import Floats, Integers

STATISTICS: Final = ("minimum", "maximum", "range", "mean", "avg_dev", "mode")
NORMS: Final = (2, 3, 5, 7, 10)
ORBITALS: Final = ("s", "p", "d", "f")
_SAME: Final = 1e-8


@cache
def magpie_table() -> tuple[tuple[str, ...], Floats]:
    """Names of the 22 properties, and (119, 22) their values by atomic number; row 0 is empty."""
    text = files("aiida_mlhull.science.representations").joinpath("data", "magpie_elements.csv").read_text("utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    names = tuple(name for name in rows[0] if name != "symbol")
    values = np.asarray([[float(row[name] or "nan") for name in names] for row in rows])
    imputed = np.where(np.isnan(values), np.nanmean(values, axis=0), values)
    return names, np.vstack([np.zeros(len(names)), imputed])


def magpie(fractions: Floats) -> Floats:
    """(n, 142) features of n compositions.

    Args:
        fractions: (n, 118) share of every element.
    """
    distinct, which = np.unique(fractions, axis=0, return_inverse=True)
    rows, columns = np.nonzero(distinct)
    starts = np.searchsorted(rows, np.arange(len(distinct)))
    weights, values = distinct[rows, columns], magpie_table()[1][columns + 1]
    return np.asarray(_features(values, weights, rows, starts)[which.ravel()])


def _features(values: Floats, weights: Floats, rows: Integers, starts: Integers) -> Floats:
    """(m, 142) of m compositions whose elements stand one after the other: (P, 22) values, (P,) weights."""
    lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    mean = np.add.reduceat(values * weights[:, None], starts)
    deviation = np.add.reduceat(np.abs(values - mean[rows]) * weights[:, None], starts)
    most = np.maximum.reduceat(weights, starts)[rows] - weights < _SAME
    mode = np.minimum.reduceat(np.where(most[:, None], values, np.inf), starts)
    statistics = np.stack([lowest, highest, highest - lowest, mean, deviation, mode], axis=2)
    norms = [np.add.reduceat(np.ones_like(weights), starts)]
    norms += [np.add.reduceat(weights**power, starts) ** (1.0 / power) for power in NORMS]
    names = magpie_table()[0]
    electrons = mean[:, [names.index(f"N{orbital}Valence") for orbital in ORBITALS]]
    shares = electrons / np.maximum(electrons.sum(axis=1, keepdims=True), _SAME)
    return np.column_stack([statistics.reshape(len(starts), -1), *norms, shares])
