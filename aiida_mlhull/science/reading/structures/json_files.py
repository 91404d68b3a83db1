"""pymatgen's structures and entries as JSON: one, a list of them, or a mapping of ids to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.reading.identifiers import identifier, numbered
from aiida_mlhull.science.reading.rows import StructureRow, held_against, refused, usable
from aiida_mlhull.science.reading.warned import UNREADABLE, attempt, one_line, unpacked_bytes
from aiida_mlhull.science.types.reasons import Reason

if TYPE_CHECKING:
    from pymatgen.core import Structure

NOT_PERIODIC: Final = ("Molecule", "IMolecule", "Slab", "IStructureSlab", "Interface")
"""pymatgen's classes of things that end somewhere."""


def load_json(path: Path) -> Any:
    """What a JSON file holds, packed or not.

    Raises:
        WireError: if it can't be read.
    """
    try:
        return json.loads(unpacked_bytes(path))
    except UNREADABLE as error:
        raise WireError(f"{path.name}: can't be read as JSON: {one_line(str(error))}") from error


def read_json(path: Path) -> list[StructureRow]:
    """Structures of a file; entries that are none are rows with a reason.

    Raises:
        WireError: if the file can't be read as JSON.
    """
    stem = path.name.split(".")[0]
    return [
        replace(_row(entry, name, f"{path.name} {name}"), facts=_facts(entry, name, stem))
        for name, entry in _entries(load_json(path), stem)
    ]


def _facts(entry: Any, name: str, stem: str) -> dict[str, Any]:
    """What an entry says, and whether its name is its own and not a running number."""
    named = bool(identifier(entry)) or not name.startswith(f"{stem}_")
    return {**(entry if isinstance(entry, Mapping) else {}), "named": named}


def _entries(loaded: Any, stem: str) -> Iterator[tuple[str, Any]]:
    """Id and content of every entry, whichever way they are laid out."""
    alone = isinstance(loaded, dict) and {"lattice", "structure", "sites"} & loaded.keys()
    if isinstance(loaded, dict) and not alone:
        yield from ((name.encode("utf-8", "replace").decode(), entry) for name, entry in loaded.items())
        return
    entries = loaded if isinstance(loaded, list) else [loaded]
    for number, entry in enumerate(entries, start=1):
        yield identifier(entry) or numbered(stem, number, len(entries)), entry


def _row(entry: Any, name: str, place: str) -> StructureRow:
    content = entry.get("structure", entry) if isinstance(entry, Mapping) else entry
    if not isinstance(content, Mapping):
        return refused(name, place, Reason.UNREADABLE, f"not a pymatgen structure, but {type(content).__name__}")
    if content.get("@class") in NOT_PERIODIC or ("sites" in content and "lattice" not in content):
        return refused(name, place, Reason.NOT_PERIODIC, f"a {content.get('@class', 'molecule')}")
    read = attempt(lambda: _structure(content))
    if read.value is None:
        return refused(name, place, Reason.UNREADABLE, f"not a pymatgen structure: {read.detail}")
    row = usable(StructureRow(name, place, read.value))
    if row.reason:
        return row
    if read.warned:
        return refused(name, place, Reason.LIBRARY_WARNED, read.detail)
    return held_against(row, entry) if "structure" in entry else row


def _structure(content: Mapping[str, Any]) -> Structure:
    from pymatgen.core import Structure  # noqa: PLC0415  (slow import)

    return Structure.from_dict(dict(content))
