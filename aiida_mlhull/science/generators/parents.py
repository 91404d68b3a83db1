"""A person's own crystals, to learn from and to start from: relaxed cells, labels, distances from the hull."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.hull import distances
from aiida_mlhull.science.reading.candidates import sound_rows
from aiida_mlhull.science.reading.columns import TABLE_SUFFIXES, Columns
from aiida_mlhull.science.reading.sieve import BadRows, Found, LeftOut
from aiida_mlhull.science.reading.table_files import ID_COLUMNS
from aiida_mlhull.science.representations.wyckoff import TOLERANCE, protostructures, space_group_numbers
from aiida_mlhull.science.types import Crystals, References, Table
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Strings

ABOVE_HULL_COLUMNS: Final = ("e_above_hull", "energy_above_hull", "e_above_hull_ev_per_atom")
"""eV/atom; taken where no references are given."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Parents(Table):
    """Known crystals.

    Attributes:
        crystals: n cells.
        protostructures: (n,) labels, empty where there is none.
        above_hull: (n,) eV/atom above the hull, NaN where unknown.
        source: where they come from.
    """

    crystals: Crystals
    protostructures: Strings
    above_hull: Floats
    source: str = ""

    @property
    def symmetric(self) -> int:
        """Crystals with a label and a symmetry beyond P1."""
        return int((space_group_numbers(self.protostructures) > 1).sum())

    def near_hull(self, tolerance: float | None) -> Parents:
        """The crystals within ``tolerance`` (eV/atom) of the hull; all of them if that is None.

        Raises:
            InputError: if their distances from it are not known, or none is near enough.
        """
        if tolerance is None:
            return self
        known = np.isfinite(self.above_hull)
        if not known.any():
            raise InputError(
                f"{self.source}: how far these crystals are above the hull is not known: give energies and references, "
                f"a column {ABOVE_HULL_COLUMNS[0]} (eV/atom), or no limit"
            )
        near = known & (np.where(known, self.above_hull, np.inf) <= tolerance)
        if not near.any():
            raise InputError(
                f"{self.source}: none of {len(self)} crystals lies within {tolerance} eV/atom of the hull "
                f"(the nearest at {np.nanmin(self.above_hull):.3f}; {int((~known).sum())} unknown)"
            )
        return self.take(near)


def read_parents(
    path: Path | str,
    *,
    references: References | None = None,
    bad_rows: BadRows = "leave_out",
    tolerance: float = TOLERANCE,
) -> tuple[Parents, LeftOut]:
    """Read crystals to start from, in any format that candidates come in.

    Where a table has relaxed cells these are taken. The distance from the hull is computed where the
    table has energies and ``references`` are given, else read from a column of
    :data:`ABOVE_HULL_COLUMNS`, else unknown.

    Args:
        path: see :func:`~aiida_mlhull.science.reading.candidates.read_candidates`.
        references: competing phases and elements, at the settings of the table's energies.
        bad_rows: whether rows that can't be used (disorder, broken cells, ...) are an error, or left out
            and counted.
        tolerance: Å, of the symmetry search.

    Returns:
        The crystals, and what was left out.

    Raises:
        WireError: if there is nothing that can be read.
        InputError: if no row can be used, or none has a symmetry beyond P1.
    """
    path = Path(path)
    found, left_out = sound_rows(path, bad_rows=bad_rows)
    good = found.sieve.good
    crystals = (found.cells if found.relaxed is None else found.relaxed).take(good)
    formulas = np.asarray(crystals.reduced_formulas(), dtype=np.str_)
    parents = Parents.from_rows(
        ids=found.sieve.ids[good],
        formulas=formulas,
        crystals=crystals,
        protostructures=protostructures(crystals, tolerance=tolerance),
        above_hull=_above_hull(path, found, formulas, references),
        source=path.name,
    )
    if not parents.symmetric:
        raise InputError(
            f"{parents.source}: none of {len(parents)} crystals has a symmetry beyond P1 within {tolerance} Å, so their "
            "Wyckoff representations say nothing; symmetrize them, or raise the tolerance"
        )
    return parents, left_out


def _above_hull(path: Path, found: Found, formulas: Strings, references: References | None) -> Floats:
    """(n,) eV/atom of the good rows, NaN where unknown."""
    good = found.sieve.good
    if references is not None and found.energies is not None:
        return distances(formulas, found.energies[good], references, end_members="mark").e_above_hull
    if path.suffix in TABLE_SUFFIXES:
        columns = Columns.read(path)
        for name in ABOVE_HULL_COLUMNS:
            if name in columns:
                ids = columns.texts(columns.first_of(ID_COLUMNS, what="ids")).tolist()
                stated = dict(zip(ids, columns.floats(name).tolist(), strict=True))
                return np.asarray([stated[row] for row in found.sieve.ids[good].tolist()])
    return np.full(len(formulas), np.nan)
