"""Structures from files: a folder of CIF or POSCAR, one extxyz of many, or pymatgen's JSON."""

from __future__ import annotations

import gzip
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aiida_mlhull.science.errors import CrystalError, MissingExtraError, WireError, listed
from aiida_mlhull.science.reading.sieve import BadRows, Found, Sieve, spread
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.reasons import Reason

if TYPE_CHECKING:
    from pymatgen.core import Structure

FOLDER_PATTERNS: Final = ("*.cif", "*.vasp", "*.poscar", "POSCAR*", "CONTCAR*")
JSON_SUFFIXES: Final = (".json", ".json.gz")
EXTXYZ_SUFFIXES: Final = (".xyz", ".extxyz")
ID_KEYS: Final = ("structure_id", "id", "material_id", "entry_id")

_DATA_BLOCK: Final = re.compile(r"^\s*data_(\S+)", re.IGNORECASE | re.MULTILINE)
_SITES: Final = ("_atom_site_fract_x", "_atom_site_Cartn_x")

_UNREADABLE: Final = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError)
"""What parsers raise on files that are not what they say."""

Named = Iterator[tuple[str, "Structure"]]


def read_structures(path: Path, *, bad_rows: BadRows) -> Found:
    """Read all structures of a folder or file.

    Ids are file names without suffix, followed by the data block's name in a CIF of many; in other files of
    many, the entry's id (``structure_id``, ``id``, ``material_id`` or ``entry_id``), else the file's name and a
    running number.

    Raises:
        WireError: if there is nothing, or something that can't be read.
        TableError: on duplicate ids.
        CrystalError: on disordered structures, unless they may be left out.
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
    return packed(path.name, named, bad_rows=bad_rows)


def packed(
    source: str, named: Sequence[tuple[str, Structure]], *, bad_rows: BadRows, origins: Sequence[str] | None = None
) -> Found:
    """Structures with their ids as rows; disorder is found here, whatever else may be wrong later.

    Args:
        source: where they come from.
        named: one structure at least.
        bad_rows: whether disordered structures are an error, or left out and counted.
        origins: of every structure; source and id where not given.

    Raises:
        TableError: on duplicate ids.
        CrystalError: on disordered structures, unless they may be left out.
        InputError: if all are disordered.
    """
    ids, structures = np.asarray([name for name, _ in named], dtype=np.str_), [structure for _, structure in named]
    sieve = Sieve(
        source,
        ids,
        np.asarray([structure.composition.reduced_formula for structure in structures], dtype=np.str_),
        expendable=np.full(len(ids), bad_rows == "leave_out"),
    )
    ordered = np.asarray([structure.is_ordered for structure in structures])
    sieve.catch(~ordered, reason=Reason.DISORDERED, what="disordered or partially occupied sites", error=CrystalError)
    if not ordered.any():
        sieve.left_out()
    cells = spread(Crystals.from_structures(structure for structure in structures if structure.is_ordered), ordered)
    said = [f"{source} {name}" for name in ids.tolist()] if origins is None else origins
    return Found(sieve=sieve, origins=np.asarray(said, dtype=np.str_), cells=cells)


def _from_folder(folder: Path) -> Named:
    """Every CIF and POSCAR of the folder and the folders in it; links that lead out of it are refused."""
    files = sorted({path for pattern in FOLDER_PATTERNS for path in folder.rglob(pattern) if path.is_file()})
    inside = folder.resolve()
    outside = [str(path.relative_to(folder)) for path in files if not path.resolve().is_relative_to(inside)]
    if outside:
        raise WireError(f"{folder.name}: {len(outside)} files are links out of the folder: {listed(outside)}")
    broken = []
    for path in files:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of rounded coordinates and missing charges: hundreds of lines
                found = list(_from_file(path, _stem(path, folder)))
        except _UNREADABLE as error:
            broken.append(
                f"{path.relative_to(folder)} ({str(error).splitlines()[0] if str(error) else 'not readable'})"
            )
            continue
        yield from found
    if broken:
        raise WireError(f"{folder.name}: {len(broken)} of {len(files)} files can't be read: {listed(broken)}")


def _stem(path: Path, folder: Path) -> str:
    """A file's id: its path in the folder without suffix; a POSCAR alone in its folder goes by the folder's name."""
    inside = path.relative_to(folder)
    if inside.name in {"POSCAR", "CONTCAR"} and inside.parent.name:
        return str(inside.parent)
    return str(inside.with_suffix("") if f"*{inside.suffix}" in FOLDER_PATTERNS else inside)


def _from_file(path: Path, name: str) -> Named:
    """The structure of a file; of a CIF with several data blocks all that have sites, each under its block's name."""
    from pymatgen.core import Structure  # noqa: PLC0415  (slow import)
    from pymatgen.io.cif import CifFile  # noqa: PLC0415

    headers = _DATA_BLOCK.findall(path.read_text(errors="replace")) if path.suffix == ".cif" else []
    if len(set(headers)) < len(headers):
        raise ValueError(
            f"data blocks of the same name: {listed(sorted({h for h in headers if headers.count(h) > 1}))}"
        )
    blocks = CifFile.from_file(path).data if len(headers) > 1 else {}
    crystals = {header: block for header, block in blocks.items() if any(column in block.data for column in _SITES)}
    if len(crystals) < 2:  # noqa: PLR2004  (what is left beside it are notes)
        yield name, Structure.from_file(path)
        return
    for header, block in crystals.items():
        yield f"{name}/{header}", Structure.from_str(str(block), fmt="cif")


def load_json(path: Path) -> Any:
    """What a JSON file holds, packed or not.

    Raises:
        WireError: if it can't be read.
    """
    try:
        raw = path.read_bytes()
        return json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    except (OSError, EOFError, ValueError) as error:
        raise WireError(f"{path.name}: can't be read as JSON: {error}") from error


def _from_json(path: Path) -> Named:
    """One structure, a list of them, or a mapping of ids to them, as pymatgen writes them."""
    from pymatgen.core import Structure  # noqa: PLC0415  (slow import)

    for name, entry in _entries(load_json(path), path.name.split(".")[0]):
        try:
            yield name, Structure.from_dict(entry.get("structure", entry))
        except _UNREADABLE as error:
            raise WireError(f"{path.name}: {name} is not a pymatgen structure: {error!r}") from error


def _entries(loaded: Any, stem: str) -> Iterator[tuple[str, Any]]:
    """Id and content of every entry, whichever way they are laid out."""
    if isinstance(loaded, dict) and not {"lattice", "structure"} & loaded.keys():
        yield from ((str(name), entry) for name, entry in loaded.items())
        return
    entries = loaded if isinstance(loaded, list) else [loaded]
    width = len(str(len(entries)))
    for number, entry in enumerate(entries, start=1):
        given = [entry[key] for key in ID_KEYS if key in entry] if isinstance(entry, dict) else []
        yield str(given[0]) if given else f"{stem}_{number:0{width}d}", entry


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
        given = [atoms.info[key] for key in ID_KEYS if key in atoms.info]
        yield str(given[0]) if given else f"{path.stem}_{number:0{width}d}", AseAtomsAdaptor.get_structure(atoms)
