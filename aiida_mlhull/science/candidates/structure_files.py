"""Structures from files: a folder of CIF or POSCAR, one extxyz of many, or pymatgen's JSON."""

from __future__ import annotations

import gzip
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aiida_mlhull.science.candidates.faults import BadRows, Found, Sieve
from aiida_mlhull.science.errors import MissingExtraError, WireError, listed
from aiida_mlhull.science.types import Crystals

if TYPE_CHECKING:
    from pymatgen.core import Structure

FOLDER_PATTERNS: Final = ("*.cif", "*.vasp", "*.poscar", "POSCAR*", "CONTCAR*")
JSON_SUFFIXES: Final = (".json", ".json.gz")
EXTXYZ_SUFFIXES: Final = (".xyz", ".extxyz")
ID_KEYS: Final = ("structure_id", "id", "material_id", "entry_id")

_UNREADABLE: Final = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError)
"""What parsers raise on files that are not what they say."""

Named = Iterator[tuple[str, "Structure"]]


def read_structures(path: Path, *, bad_rows: BadRows) -> Found:
    """Read all structures of a folder or file.

    Ids are file names without suffix; in files of many, the entry's id (``structure_id``, ``id``,
    ``material_id`` or ``entry_id``), else the file's name and a running number.

    Raises:
        WireError: if there is nothing, or something that can't be read.
        TableError: on duplicate ids.
        CrystalError: on disordered structures.
        MissingExtraError: if extxyz is to be read and ase is not installed.
    """
    if path.is_dir():
        named = list(_from_folder(path))
    elif path.name.endswith(JSON_SUFFIXES):
        named = list(_from_json(path))
    elif path.suffix in EXTXYZ_SUFFIXES:
        named = list(_from_extxyz(path))
    else:
        known = (".parquet", ".csv", *JSON_SUFFIXES, *EXTXYZ_SUFFIXES)
        raise WireError(f"{path}: neither a folder nor a file that can be read; known: {', '.join(known)}")
    if not named:
        raise WireError(f"{path.name}: no structures")
    ids = np.asarray([name for name, _ in named], dtype=np.str_)
    cells = Crystals.from_structures(structure for _, structure in named)
    sieve = Sieve(
        path.name,
        ids,
        np.asarray(cells.reduced_formulas(), dtype=np.str_),
        expendable=np.full(len(ids), bad_rows == "leave_out"),
    )
    origins = np.asarray([f"{path.name} {name}" for name in ids.tolist()])
    return Found(sieve=sieve, origins=origins, cells=cells)


def _from_folder(folder: Path) -> Named:
    """Every CIF and POSCAR of the folder and the folders in it."""
    from pymatgen.core import Structure  # noqa: PLC0415  (slow import)

    files = sorted({path for pattern in FOLDER_PATTERNS for path in folder.rglob(pattern) if path.is_file()})
    broken = []
    for path in files:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of rounded coordinates and missing charges: hundreds of lines
                structure = Structure.from_file(path)
        except _UNREADABLE as error:
            broken.append(
                f"{path.relative_to(folder)} ({str(error).splitlines()[0] if str(error) else 'not readable'})"
            )
            continue
        yield _stem(path, folder), structure
    if broken:
        raise WireError(f"{folder.name}: {len(broken)} of {len(files)} files can't be read: {listed(broken)}")


def _stem(path: Path, folder: Path) -> str:
    """A file's id: its path in the folder without suffix; a POSCAR alone in its folder goes by the folder's name."""
    inside = path.relative_to(folder)
    return (
        str(inside.parent)
        if inside.name in {"POSCAR", "CONTCAR"} and inside.parent.name
        else str(inside.with_suffix(""))
    )


def _from_json(path: Path) -> Named:
    """One structure, a list of them, or a mapping of ids to them, as pymatgen writes them."""
    from pymatgen.core import Structure  # noqa: PLC0415  (slow import)

    try:
        raw = path.read_bytes()
        loaded = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    except (OSError, EOFError, ValueError) as error:
        raise WireError(f"{path.name}: can't be read as JSON: {error}") from error
    stem = path.name.split(".")[0]
    for name, entry in _entries(loaded, stem):
        try:
            yield name, Structure.from_dict(entry.get("structure", entry))
        except _UNREADABLE as error:
            raise WireError(f"{path.name}: {name} is not a pymatgen structure: {error!r}") from error


def _entries(loaded: Any, stem: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and dictionary of every entry, whichever way they are laid out."""
    if isinstance(loaded, dict) and ("lattice" in loaded or "structure" in loaded):
        loaded = [loaded]
    if isinstance(loaded, dict):
        yield from ((str(name), entry) for name, entry in loaded.items())
        return
    width = len(str(len(loaded)))
    for number, entry in enumerate(loaded, start=1):
        given = next((entry[key] for key in ID_KEYS if key in entry), None)
        yield str(given) if given is not None else f"{stem}_{number:0{width}d}", entry


def _from_extxyz(path: Path) -> Named:
    """Every frame of an extended xyz file."""
    try:
        from ase.io import read  # noqa: PLC0415  (optional)
    except ImportError as error:
        raise MissingExtraError("extxyz files are read with ase: pip install 'aiida-mlhull[potential]'") from error
    from pymatgen.io.ase import AseAtomsAdaptor  # noqa: PLC0415  (slow import)

    try:
        frames = read(path, index=":", format="extxyz")
    except _UNREADABLE as error:
        raise WireError(f"{path.name}: can't be read as extxyz: {error}") from error
    flat = [number for number, atoms in enumerate(frames, start=1) if not atoms.pbc.all()]
    if flat:
        raise WireError(f"{path.name}: frames that are not periodic in three directions: {listed(flat)}")
    width = len(str(len(frames)))
    for number, atoms in enumerate(frames, start=1):
        given = next((atoms.info[key] for key in ID_KEYS if key in atoms.info), None)
        name = str(given) if given is not None else f"{path.stem}_{number:0{width}d}"
        yield name, AseAtomsAdaptor.get_structure(atoms)
