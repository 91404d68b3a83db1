"""One structure of a file as it was read, or why it can't be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aiida_mlhull.science.errors import CrystalError, FormulaError, MlhullError, TableError, WireError
from aiida_mlhull.science.reading.sieve import BadRows, Found, Sieve, spread
from aiida_mlhull.science.reading.warned import one_line
from aiida_mlhull.science.representations.composition import agrees, atomic_number, from_amounts
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.reasons import Reason

if TYPE_CHECKING:
    from pymatgen.core import Structure


REFUSALS: Final[dict[Reason, tuple[str, type[MlhullError]]]] = {
    Reason.UNREADABLE: ("can't be read", WireError),
    Reason.NO_ELEMENTS: ("name no elements", CrystalError),
    Reason.NOT_PERIODIC: ("not periodic in three directions", CrystalError),
    Reason.UNKNOWN_ELEMENT: ("unknown elements in the cell", CrystalError),
    Reason.IMPLICIT_ATOMS: ("atoms without a position", CrystalError),
    Reason.NO_SYMMETRY: ("symmetry that is not stated, or in two ways", CrystalError),
    Reason.DISORDERED: ("disordered or partially occupied sites", CrystalError),
    Reason.COUNT_DIFFERS: ("another number of atoms than is stated", TableError),
    Reason.FORMULA_DIFFERS: ("another composition than is stated", TableError),
    Reason.UNREADABLE_FORMULA: ("a stated formula that can't be read", TableError),
    Reason.LIBRARY_WARNED: ("the library that reads them warns", WireError),
}
"""Reason of a row, the same in words, and the error where such rows may not be left out."""

STATED: Final = ("composition", "formula_pretty", "formula", "pretty_formula", "reduced_formula")
COUNTS: Final = ("nsites", "num_sites")
"""What may stand beside a structure: keys of its formula, and of its number of sites."""


@dataclass(frozen=True)
class StructureRow:
    """A structure of a file.

    Attributes:
        name: its id.
        place: where it stands: file, frame, data block.
        structure: None where it can't be used.
        reason: why, a code of :data:`REFUSALS`; None where it can.
        detail: what is to be said of it.
        facts: what stands beside it: energies, costs, keys as they are there.
    """

    name: str
    place: str
    structure: Structure | None
    reason: Reason | None = None
    detail: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def refused(name: str, place: str, reason: Reason, detail: str = "") -> StructureRow:
    """A row that can't be used."""
    return StructureRow(name, place, None, reason, detail)


def usable(row: StructureRow) -> StructureRow:
    """The row, or the reason why no row with such a structure can be used."""
    if row.reason or row.structure is None:
        return row if row.reason else replace(row, reason=Reason.UNREADABLE)
    pbc = row.structure.lattice.pbc
    if not all(pbc):
        flags = " ".join("TF"[not periodic] for periodic in pbc)
        return replace(row, structure=None, reason=Reason.NOT_PERIODIC, detail=f"periodic: {flags}")
    if not len(row.structure):
        return replace(row, structure=None, reason=Reason.UNREADABLE, detail="no sites")
    strangers = sorted({symbol for symbol in row.structure.symbol_set if not atomic_number(symbol)})
    if strangers:
        return replace(row, structure=None, reason=Reason.UNKNOWN_ELEMENT, detail=", ".join(strangers))
    if not row.structure.is_ordered:
        return replace(row, structure=None, reason=Reason.DISORDERED, detail=row.structure.composition.reduced_formula)
    return row


def held_against(row: StructureRow, entry: Mapping[str, Any]) -> StructureRow:
    """The row, unless what stands beside it states another composition or number of sites."""
    assert row.structure is not None
    for key in COUNTS:
        if isinstance(entry.get(key), int | np.integer) and entry[key] != len(row.structure):
            return refused(row.name, row.place, Reason.COUNT_DIFFERS, f"{key} {entry[key]}, cell {len(row.structure)}")
    if not any(entry.get(key) for key in STATED):
        return row
    cell = from_amounts(row.structure.composition.get_el_amt_dict())
    for key in STATED:
        value = entry.get(key)
        try:
            same = from_amounts(value) == cell if isinstance(value, Mapping) else not value or agrees(str(value), cell)
        except (FormulaError, TypeError, ValueError) as error:
            return refused(row.name, row.place, Reason.UNREADABLE_FORMULA, one_line(str(error)))
        if not same:
            return refused(row.name, row.place, Reason.FORMULA_DIFFERS, f"{key} {value}, cell {cell.formula}")
    return row


def packed(source: str, rows: Sequence[StructureRow], *, bad_rows: BadRows, remarks: Sequence[str] = ()) -> Found:
    """Structures as rows of a table; what can't be used is found here, whatever else may be wrong later.

    Args:
        source: where they come from.
        rows: one at least, with unique names.
        bad_rows: whether structures that can't be used are an error, or left out and counted.
        remarks: what is to be said of the source as a whole.

    Raises:
        TableError: on duplicate ids.
        WireError: on structures that can't be read, unless they may be left out.
        CrystalError: on structures that are not ordered crystals, likewise.
        InputError: if none can be used.
    """
    checked = [usable(row) for row in rows]
    ids = np.asarray([row.name for row in checked], dtype=np.str_)
    formulas = [row.structure.composition.reduced_formula if row.structure else "" for row in checked]
    sieve = Sieve(
        source, ids, np.asarray(formulas, dtype=np.str_), expendable=np.full(len(ids), bad_rows == "leave_out")
    )
    reasons = np.asarray([row.reason or "" for row in checked], dtype=np.str_)
    details = np.asarray([row.detail for row in checked], dtype=np.str_)
    for reason, (what, error) in REFUSALS.items():
        sieve.catch(reasons == reason, reason=reason, what=what, error=error, details=details)
    if not sieve.good.any():
        sieve.left_out()
    structures = [row.structure for row in checked if row.structure is not None]
    return Found(
        sieve=sieve,
        origins=np.asarray([row.place for row in checked], dtype=np.str_),
        cells=spread(Crystals.from_structures(structures), sieve.good),
        remarks=tuple(remarks),
    )
