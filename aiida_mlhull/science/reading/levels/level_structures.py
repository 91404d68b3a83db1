"""Levels from files of structures with energies: extxyz, pymatgen's JSON, folders of CIF or POSCAR beside a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.reading.columns import ENERGY_COLUMNS, TABLE_SUFFIXES, Columns
from aiida_mlhull.science.reading.identifiers import identifier
from aiida_mlhull.science.reading.levels.level import Level, catch_unlabeled, failure_reason, stage_name
from aiida_mlhull.science.reading.phases.entries import ENTRY_CLASSES, entry_from
from aiida_mlhull.science.reading.rows import StructureRow, packed
from aiida_mlhull.science.reading.sieve import BadRows, catch_broken_cells
from aiida_mlhull.science.reading.structures.folders import read_folder
from aiida_mlhull.science.reading.structures.structure_files import file_rows
from aiida_mlhull.science.reading.table_files import ID_COLUMNS
from aiida_mlhull.science.reading.warned import attempt

PER_ATOM: Final = (*ENERGY_COLUMNS, "energy_per_atom")
"""eV/atom."""
OF_CELL: Final = "energy"
"""eV, of the whole cell."""


def read_level_structures(path: Path, *, scheme: str, bad_rows: BadRows) -> Level:
    """A file of structures with their energies, or a folder of structures with a table of energies in it.

    Raises:
        WireError: if there is nothing, or the file is of another kind.
        TableError: on duplicate ids, and, unless they may be left out, rows that are neither results nor failures.
        CrystalError: on structures that are not ordered crystals, unless they may be left out.
    """
    if path.is_dir():
        rows, remarks = _folder(path)
    else:
        rows, remarks = file_rows(path), ()
    return level_of_rows(path.name, rows, scheme=scheme, bad_rows=bad_rows, remarks=remarks)


def level_of_rows(
    source: str, rows: Sequence[StructureRow], *, scheme: str, bad_rows: BadRows, remarks: Sequence[str] = ()
) -> Level:
    """Structures with what is said of them as a level; see :func:`read_level_structures`."""
    if not rows:
        raise WireError(f"{source}: no structures")
    found = packed(source, _with_cells(source, rows), bad_rows=bad_rows, remarks=remarks)
    catch_broken_cells(found.sieve, found.cells)
    energies = np.asarray([_energy(row) for row in rows])
    failures = np.asarray([failure_reason(str(row.facts.get("failure") or "")) for row in rows], dtype=np.str_)
    has_cell = np.asarray([row.structure is not None for row in rows])
    catch_unlabeled(found.sieve, energies, failures, has_cell)
    return Level(
        name=stage_name(source.split(".", maxsplit=1)[0]),
        sieve=found.sieve,
        crystals=found.cells,
        has_cell=has_cell,
        energies=energies,
        failures=failures,
        core_minutes=np.asarray([_number(row.facts.get("core_minutes")) for row in rows]),
        scheme=scheme,
        numbered=not any(row.facts.get("named") or identifier(row.facts) for row in rows),
        remarks=found.remarks,
    )


def _with_cells(source: str, rows: Sequence[StructureRow]) -> list[StructureRow]:
    """The rows, with another one's cell where a relaxation failed and left none; ``has_cell`` says so.

    Raises:
        WireError: if no row has a structure.
    """
    some = next((row.structure for row in rows if row.structure is not None), None)
    if some is None:
        shown = "; ".join(dict.fromkeys(row.detail or str(row.facts.get("failure") or "") for row in rows))
        raise WireError(f"{source}: no structure can be used: {shown:.300}")
    bare = [row.structure is None and row.reason is None and bool(row.facts.get("failure")) for row in rows]
    return [replace(row, structure=some) if lacks else row for row, lacks in zip(rows, bare, strict=True)]


def _energy(row: StructureRow) -> float:
    """eV/atom; NaN where there is none."""
    facts = row.facts
    for key in PER_ATOM:
        if np.isfinite(_number(facts.get(key))):
            return _number(facts[key])
    if row.structure is None:
        return float("nan")
    if facts.get("@class") in ENTRY_CLASSES:
        entry = attempt(lambda: entry_from(facts, row.name)).value
        return float("nan") if entry is None else float(entry.energy_per_atom)
    return _number(facts.get(OF_CELL)) / len(row.structure)


def _number(value: Any) -> float:
    try:
        return float("nan") if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return float("nan")


def _folder(folder: Path) -> tuple[list[StructureRow], tuple[str, ...]]:
    """Structures of a folder, with what the table in it says of each."""
    tables = sorted(path for path in folder.iterdir() if path.suffix.lower() in TABLE_SUFFIXES)
    if len(tables) != 1:
        names = ", ".join(path.name for path in tables) or "none"
        raise WireError(
            f"{folder}: a folder of one level holds VASP's calculations, or structures and one table of their "
            f"energies ({', '.join((ID_COLUMNS[1], ENERGY_COLUMNS[0]))}, ...; here: {names})"
        )
    said = _by_id(Columns.read(tables[0]))
    rows, remarks = read_folder(folder)
    told = [
        StructureRow(
            row.name, row.place, row.structure, row.reason, row.detail, {**said.get(row.name, {}), "named": True}
        )
        for row in rows
    ]
    without = sorted(set(said) - {row.name for row in rows})
    told += [
        StructureRow(name, f"{folder.name} {tables[0].name}", None, None, "", {**said[name], "named": True})
        for name in without
    ]
    return told, tuple(remark for remark in remarks if "neither CIF nor POSCAR" not in remark)


def _by_id(columns: Columns) -> dict[str, Mapping[str, Any]]:
    ids = columns.texts(columns.first_of(ID_COLUMNS, what="ids")).tolist()
    return dict(zip(ids, columns.table.to_pylist(), strict=True))
