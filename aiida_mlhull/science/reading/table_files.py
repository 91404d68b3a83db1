"""Tables of crystals: one row per candidate, with its cell before and, where known, after relaxation.

Columns: an id (``structure_id``, ``id`` or ``material_id``); the cell that goes in
(``lattice_unrelaxed``: 9 numbers, or 3 x 3, in Å, rows a, b, c; ``species_unrelaxed``: a symbol a site;
``frac_coords_unrelaxed``: 3 numbers a site; or the three without ``_unrelaxed``); for a record the same
with ``_relaxed`` and ``energy_per_atom_ev`` (eV/atom). Where there is a column ``clean_pair``, rows that
it calls unclean are always left out; a column ``origin`` is kept. Lists stand in a csv file as JSON.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from aiida_mlhull.science.errors import CrystalError, FormulaError, listed
from aiida_mlhull.science.reading.columns import ENERGY_COLUMNS, Columns
from aiida_mlhull.science.reading.phases.conventions import one_functional
from aiida_mlhull.science.reading.phases.phase_tables import conventions_in
from aiida_mlhull.science.reading.sieve import BadRows, Found, Sieve, spread
from aiida_mlhull.science.representations.composition import agrees, atomic_number, reduce_formula
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.table import Booleans, Strings

ID_COLUMNS: Final = ("structure_id", "id", "material_id")
FORMULA_COLUMNS: Final = ("reduced_formula", "formula", "csv_composition")
"""What a row may say about its composition; its cell has to agree."""

VOLUME_COLUMN: Final = re.compile(r"volume(_per_atom)?(_(un)?relaxed)?(_(a3|ang3|angstrom3))?", re.IGNORECASE)
"""Columns with volumes; others whose names begin so are not looked at."""

CLEAN_COLUMN: Final = "clean_pair"
OWN_COLUMNS: Final = ("id", "formula", *("lattice", "species", "frac_coords"), "protostructure", "origin", "source")
"""What written tables of candidates hold themselves."""

ORIGIN_COLUMN: Final = "origin"
"""Prototype and exchanged elements, say; kept with the candidate."""


def cell_columns(suffix: str) -> tuple[str, str, str]:
    """The three columns that a cell is written in."""
    return f"lattice{suffix}", f"species{suffix}", f"frac_coords{suffix}"


def read_rows(path: Path, *, bad_rows: BadRows) -> Found:
    """Read a parquet or csv file; see the module for its columns.

    Raises:
        WireError: if the file can't be read or is empty.
        TableError: on missing columns; missing or duplicate ids; and, unless such rows may be left out,
            energies that are not finite, volumes that are not positive, compositions that differ.
        CrystalError: on lists that don't make a cell and unknown elements, likewise.
        MixedSchemesError: if by a column of functionals (``run_type``, ...) the energies are of several.
    """
    columns = Columns.read(path)
    ids = columns.texts(columns.first_of(ID_COLUMNS, what="ids"))
    unclean = ~columns.flags(CLEAN_COLUMN) if CLEAN_COLUMN in columns else np.zeros(len(ids), dtype=bool)
    sieve = Sieve(
        columns.name, ids, _stated_formulas(columns), expendable=unclean | np.full(len(ids), bad_rows == "leave_out")
    )
    start = "_unrelaxed" if cell_columns("_unrelaxed")[0] in columns else ""
    cells = cells_of(columns, sieve, start)
    relaxed, energies = None, None
    if all(column in columns for column in cell_columns("_relaxed")):
        relaxed = cells_of(columns, sieve, "_relaxed")
        column = columns.first_of(ENERGY_COLUMNS, what="energies")
        energies = numbers_of(
            columns, sieve, column, missing=Reason.NO_ENERGY, what="missing, NaN or infinite energies"
        )
        one_functional(columns.name, conventions_in(columns, ids.tolist(), _stated_formulas(columns).tolist()))
    _catch_volumes(columns, sieve)
    _catch_compositions(columns, sieve, cells, relaxed)
    sieve.catch(unclean, reason=Reason.MARKED_UNCLEAN, what=f"{CLEAN_COLUMN} is false")
    names, remarks = columns_beside(columns.table.schema)
    return Found(
        sieve=sieve,
        origins=_origins(columns),
        cells=cells,
        relaxed=relaxed,
        energies=energies,
        remarks=remarks,
        beside=columns.table.select(names) if names else None,
    )


def columns_beside(schema: pa.Schema) -> tuple[list[str], tuple[str, ...]]:
    """Columns that go along with candidates as they are, and what is to be said of those that can't."""
    start = "_unrelaxed" if cell_columns("_unrelaxed")[0] in schema.names else ""
    ids = [name for name in ID_COLUMNS if name in schema.names][:1]
    used = {*ids, *cell_columns(start), ORIGIN_COLUMN, CLEAN_COLUMN, "formula"}
    others = [name for name in schema.names if name not in used]
    written = set(OWN_COLUMNS) <= set(schema.names)  # by this package: nothing of the user's is lost
    lost = [name for name in others if name in OWN_COLUMNS and not written]
    remarks = (f"columns that don't go along, as written tables have their own: {', '.join(lost)}",) if lost else ()
    return [name for name in others if name not in OWN_COLUMNS], remarks


def _origins(columns: Columns) -> Strings:
    """(n,) file and row, and the origin that the row names, if any."""
    said = columns.texts(ORIGIN_COLUMN).tolist() if ORIGIN_COLUMN in columns else [""] * len(columns)
    rows = [f"{columns.name} row {row}" for row in range(1, len(columns) + 1)]
    return np.asarray([f"{row}: {origin}" if origin else row for row, origin in zip(rows, said, strict=True)])


def _stated_formulas(columns: Columns) -> Strings:
    """(n,) the formula that the file states for a row; empty where it states none."""
    present = [name for name in FORMULA_COLUMNS if name in columns]
    return columns.texts(present[0]) if present else np.full(len(columns), "")


def cells_of(columns: Columns, sieve: Sieve, suffix: str) -> Crystals:
    """All rows' cells; stopped rows hold another row's."""
    names = [columns.first_of([name], what="cells") for name in cell_columns(suffix)]
    side = f"{suffix[1:]} cell".strip()
    lattices, coords = columns.number_lists(names[0]), columns.number_lists(names[2])
    species, words = columns.text_lists(names[1], atomic_number)
    sound = ~(lattices.broken | coords.broken | species.broken)
    sound &= (lattices.lengths == 9) & (species.lengths >= 1) & (coords.lengths == 3 * species.lengths)  # noqa: PLR2004
    sieve.catch(
        ~sound,
        reason=Reason.BROKEN_LISTS,
        what=f"the {side} needs 9 cell numbers (or 3 x 3), a site at least, and 3 coordinates per site",
        error=CrystalError,
    )
    if not sound.any():
        sieve.left_out()
    cells = Crystals(
        lattices=lattices.values[np.repeat(sound, lattices.lengths)].reshape(-1, 3, 3),
        offsets=np.concatenate([[0], np.cumsum(species.lengths[sound])]),
        numbers=species.values[np.repeat(sound, species.lengths)].astype(np.int16),
        frac_coords=coords.values[np.repeat(sound, coords.lengths)].reshape(-1, 3),
    )
    known = np.ones(len(sound), dtype=bool)
    known[sound] = np.logical_and.reduceat(cells.numbers > 0, cells.offsets[:-1])
    strangers = sorted(word for word in words if not atomic_number(word))
    sieve.catch(
        ~known,
        reason=Reason.UNKNOWN_ELEMENT,
        what=f"unknown elements in the {side} (of {listed(map(repr, strangers))})",
        error=CrystalError,
    )
    return spread(cells, sound)


def numbers_of(columns: Columns, sieve: Sieve, column: str, *, missing: Reason, what: str) -> Floats:
    """(n,) numbers that every row needs; those without one are stopped."""
    values, texts = columns.numbers(column)
    sieve.catch(
        np.isin(np.arange(len(values)), list(texts)),
        reason=Reason.NOT_A_NUMBER,
        what=f"text in {column} that is not a number",
        details=np.asarray([repr(texts.get(row, "")) for row in range(len(values))]) if texts else None,
    )
    sieve.catch(~np.isfinite(values), reason=missing, what=what)
    return values


def _catch_volumes(columns: Columns, sieve: Sieve) -> None:
    """Stop rows with a column of volumes (in whatever unit) that is not positive somewhere."""
    for name in columns.table.column_names:
        if VOLUME_COLUMN.fullmatch(name):
            volumes, _ = columns.numbers(name)
            sieve.catch(
                ~(np.isfinite(volumes) & (volumes > 0)) & np.isfinite(volumes).any(),
                reason=Reason.NO_VOLUME,
                what=f"zero, negative or missing {name}",
                error=CrystalError,
            )


def _catch_compositions(columns: Columns, sieve: Sieve, cells: Crystals, relaxed: Crystals | None) -> None:
    """Stop rows whose cells, or whose cell and stated formula, are of different composition."""
    before = formulas_of(cells, sieve.good)
    after = before if relaxed is None else formulas_of(relaxed, sieve.good)
    sieve.catch(
        before != after,
        reason=Reason.COMPOSITION_DIFFERS,
        what="unrelaxed and relaxed cells of different composition",
        details=np.asarray([f"unrelaxed {a}, relaxed {b}" for a, b in zip(before, after, strict=True)]),
    )
    for name in FORMULA_COLUMNS:
        if name in columns:
            catch_stated(sieve, name, columns.texts(name), after)


def catch_stated(sieve: Sieve, name: str, stated: Strings, formulas: Strings) -> None:
    """Stop rows whose stated formula (of column ``name``) is not the composition of the cell."""
    sieve.catch(
        np.asarray([not _agree(text, cell) for text, cell in zip(stated.tolist(), formulas.tolist(), strict=True)]),
        reason=Reason.FORMULA_DIFFERS,
        what=f"{name} is not the composition of the cell",
        details=np.asarray([f"{name} {text}, cell {cell}" for text, cell in zip(stated, formulas, strict=True)]),
    )


def formulas_of(crystals: Crystals, good: Booleans) -> Strings:
    """(n,) reduced formulas of good rows, empty for the others."""
    formulas = np.full(len(good), "", dtype=object)
    formulas[good] = crystals.take(good).reduced_formulas()
    return formulas.astype(np.str_)


def _agree(stated: str, cell: str) -> bool:
    """Whether a stated formula is that of the cell; nothing stated agrees with everything."""
    if not stated or not cell:
        return True
    try:
        return agrees(stated, reduce_formula(cell))
    except FormulaError:
        return False
