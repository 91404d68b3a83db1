"""Structures from files: a folder of CIF or POSCAR or one of them, an extxyz of many, or pymatgen's JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.reading.rows import StructureRow, packed
from aiida_mlhull.science.reading.sieve import BadRows, Found
from aiida_mlhull.science.reading.structures.extxyz import read_extxyz
from aiida_mlhull.science.reading.structures.folders import (
    CIF_SUFFIXES,
    POSCAR_NAMES,
    POSCAR_SUFFIXES,
    kind_of,
    names_of,
    read_file,
    read_folder,
)
from aiida_mlhull.science.reading.structures.json_files import read_json
from aiida_mlhull.science.reading.warned import OPENERS

JSON_SUFFIXES: Final = tuple(f".json{packing}" for packing in ("", *OPENERS))
EXTXYZ_SUFFIXES: Final = tuple(f"{suffix}{packing}" for suffix in (".xyz", ".extxyz") for packing in ("", *OPENERS))


def read_structures(path: Path, *, bad_rows: BadRows) -> Found:
    """Read all structures of a folder or file.

    Ids are file names without suffix, followed by the data block's name in a CIF of many; in other files of
    many, the entry's id (``structure_id``, ``id``, ``material_id`` or ``entry_id``), else the file's name and a
    running number.

    Raises:
        WireError: if there is nothing, or the file is of another kind; on structures that can't be read, unless
            they may be left out.
        TableError: on duplicate ids.
        CrystalError: on structures that are not ordered crystals, unless they may be left out.
    """
    remarks: tuple[str, ...] = ()
    if path.is_dir():
        rows, remarks = read_folder(path)
    else:
        rows = file_rows(path)
    return packed(path.name, rows, bad_rows=bad_rows, remarks=remarks)


def file_rows(path: Path) -> list[StructureRow]:
    """Every structure of a file.

    Raises:
        WireError: if there is none, or the file is of another kind.
    """
    name = path.name.lower()
    if name.endswith(JSON_SUFFIXES):
        rows = read_json(path)
    elif name.endswith(EXTXYZ_SUFFIXES):
        rows = read_extxyz(path)
    elif kind_of(path) in {"cif", "poscar"}:
        rows = _alone(path)
    else:
        known = (".parquet", ".csv", *JSON_SUFFIXES[:1], *EXTXYZ_SUFFIXES[::4], *CIF_SUFFIXES, *POSCAR_SUFFIXES)
        raise WireError(
            f"{path}: neither a folder nor a file that can be read; known: {', '.join(known)}, "
            f"{', '.join(word.upper() for word in POSCAR_NAMES)}"
        )
    if not rows:
        raise WireError(f"{path.name}: no structures")
    return rows


def _alone(path: Path) -> list[StructureRow]:
    """A single CIF or POSCAR; one that is called nothing else goes by its folder."""
    folder = path.resolve().parent
    name = names_of([path], path.parent)[path]
    return read_file(path, name=folder.name if name.lower() in POSCAR_NAMES and folder.name else name, place=path.name)
