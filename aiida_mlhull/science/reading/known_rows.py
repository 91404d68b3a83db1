"""Tables that hold candidates which a campaign has already, as a file that has grown does."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import TableError, listed
from aiida_mlhull.science.reading.candidates import Intake
from aiida_mlhull.science.types import Candidates

TOLERANCE: Final = 1e-6
"""Å, and fractions of the cell, up to which a crystal is the same one that was read earlier."""


def only_new(intake: Intake, known: Candidates) -> tuple[Intake, str]:
    """The rows that are new, and what is to be said of the others.

    Args:
        intake: of a file.
        known: candidates that are there already.

    Raises:
        TableError: if a known id stands for another formula, another label or another cell.
    """
    found = intake.candidates
    there = np.flatnonzero(known.has(found.ids))
    if not len(there):
        return intake, ""
    others = known.positions(found.ids[there])
    different = [
        str(found.ids[mine])
        for mine, theirs in zip(there.tolist(), others.tolist(), strict=True)
        if not _same(found, mine, known, theirs)
    ]
    if different:
        raise TableError(
            f"{found.source}: {len(different)} ids are those of other crystals in the earlier campaign: {listed(different)}; "
            "give new candidates ids of their own"
        )
    new = np.setdiff1d(np.arange(len(found)), there)
    rest = replace(
        intake,
        candidates=found.take(new),
        record=None if intake.record is None else intake.record.take(new),
        beside=None if intake.beside is None else intake.beside.take(new),
    )
    return rest, f"{found.source}: {len(there):,} of these the campaign has already, {len(new):,} are new"


def _same(mine: Candidates, row: int, theirs: Candidates, other: int) -> bool:
    if mine.formulas[row] != theirs.formulas[other] or (mine.crystals is None) != (theirs.crystals is None):
        return False
    if mine.crystals is None or theirs.crystals is None:
        return bool(mine.protostructures[row] == theirs.protostructures[other])
    (lattice, numbers, fracs), (their_lattice, their_numbers, their_fracs) = (
        mine.crystals.arrays(row),
        theirs.crystals.arrays(other),
    )
    return (
        np.array_equal(numbers, their_numbers)
        and np.allclose(lattice, their_lattice, rtol=0.0, atol=TOLERANCE)
        and np.allclose(fracs, their_fracs, rtol=0.0, atol=TOLERANCE)
    )
