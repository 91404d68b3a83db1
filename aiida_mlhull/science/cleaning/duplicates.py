"""Candidates that are the same crystal, whatever they are called.

Ids tell crystals of our own generators apart, but a database has its own. So rows are told apart by their
label first: different labels are different crystals, unless one is the mirror image's. A label that leaves nothing but
the scale open is the whole crystal. Only among rows of one label with free parameters cells are compared: by their lattice sums
(:mod:`~aiida_mlhull.science.representations.identity`), and by pymatgen's ``StructureMatcher`` where these
are near but not equal (equal sums of different crystals take a homometric pair). Volumes don't count: before a
relaxation they are guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from pymatgen.analysis.structure_matcher import StructureMatcher

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.representations.identity import shapes
from aiida_mlhull.science.representations.wyckoff import free_parameters, of_either_hand
from aiida_mlhull.science.types import Candidates, Crystals
from aiida_mlhull.science.types.crystals import Floats, Integers

EQUAL: Final = 5e-4
"""Lattice sums that differ by less are equal; the rounding of ids is as coarse."""

NEAR: Final = 0.002
"""Lattice sums that differ by more belong to different crystals; in rutile, oxygen moves by some 0.03 Å. Stricter
than between stages, where energies have to agree as well."""


def first_of_kind(candidates: Candidates, *, energies: Floats | None = None) -> Integers:
    """(n,) row number of the first row that is the same crystal; its own where there is none.

    Args:
        candidates: labeled rows; one without a label is like no other.
        energies: (n,) eV/atom, NaN where there is none; of equal rows the lowest then comes first, else the
            first by id.

    Raises:
        TableError: if the rows have no cells.
    """
    if candidates.crystals is None:
        raise TableError("candidates without cells are told apart by their ids")
    labels = of_either_hand(candidates.protostructures)
    heights = np.zeros(len(labels)) if energies is None else np.nan_to_num(energies, nan=np.inf)
    order = np.lexsort((candidates.ids, heights, labels))
    borders = np.flatnonzero(labels[order][1:] != labels[order][:-1]) + 1
    open_parameters = free_parameters(labels)
    first = np.arange(len(labels))
    for bucket in np.split(order, borders):
        free = open_parameters[bucket[0]] if len(bucket) else -1
        if free == 0:
            first[bucket] = bucket[0]
        elif free > 0 and len(bucket) > 1:
            first[bucket] = bucket[_first_in_bucket(candidates.crystals.take(bucket))]
    return first


def _first_in_bucket(crystals: Crystals) -> Integers:
    """(m,) the same among crystals of one label, in the order given."""
    sums = np.asarray(shapes(crystals)).reshape(len(crystals), -1)
    first = np.arange(len(crystals))
    known: list[int] = []
    for row in range(len(crystals)):
        apart = np.abs(sums[known] - sums[row]).max(axis=1) if known else np.empty(0)
        other = _same(crystals, row, known, apart)
        if other is None:
            known.append(row)
        else:
            first[row] = other
    return first


def _same(crystals: Crystals, row: int, known: Sequence[int], apart: Floats) -> int | None:
    """The nearest of the known crystals that is the same as ``row``."""
    nearest: list[int] = np.argsort(apart, kind="stable").tolist()
    for index in nearest:
        if apart[index] > NEAR:
            return None
        other = known[index]
        if apart[index] <= EQUAL or StructureMatcher().fit(crystals.structure(row), crystals.structure(other)):
            return other
    return None
