"""Extended xyz: ase reads it frame by frame, so that one broken frame is one row left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, Final

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.reading.identifiers import identifier, numbered
from aiida_mlhull.science.reading.rows import StructureRow, held_against, refused, usable
from aiida_mlhull.science.reading.warned import attempt, text_of
from aiida_mlhull.science.representations.composition import ISOTOPES
from aiida_mlhull.science.types.reasons import Reason

_PROPERTIES: Final = re.compile(r"""properties\s*=\s*["']?([^\s"']+)""", re.IGNORECASE)


def read_extxyz(path: Path) -> list[StructureRow]:
    """Every frame of an extended xyz file.

    Raises:
        WireError: if the file can't be opened, or its first line is not a number of atoms.
    """
    opened = attempt(lambda: text_of(path))
    if opened.value is None:
        raise WireError(f"{path.name}: can't be read as extxyz: {opened.fault}")
    stem = path.name.split(".")[0]
    frames = list(_frames(opened.value.split("\n")))
    rows = []
    for number, frame in enumerate(frames, start=1):
        name = numbered(stem, number, len(frames))
        place = f"{path.name} frame {number}"
        rows.append(
            _row(frame, name, place) if isinstance(frame, list) else refused(name, place, Reason.UNREADABLE, frame)
        )
    if not any(isinstance(frame, list) for frame in frames):
        raise WireError(f"{path.name}: can't be read as extxyz: {frames[0] if frames else 'no frames'}")
    return rows


def _frames(lines: list[str]) -> Iterator[list[str] | str]:
    """Lines of every frame; words, and nothing after them, where a frame can't be told from the next."""
    at = 0
    while at < len(lines):
        word = lines[at].strip()
        if not word:
            at += 1
            continue
        if not (word.isdecimal() and len(word) < 9):  # noqa: PLR2004
            yield f"line {at + 1} is not a number of atoms: it and what follows is not read"
            return
        atoms = int(word)
        frame = lines[at : at + 2 + atoms]
        if len(frame) < 2 + atoms or not atoms:
            yield f"{atoms} atoms from line {at + 1} on, but the file ends"
            return
        yield frame
        at += 2 + atoms


def _row(frame: list[str], name: str, place: str) -> StructureRow:
    read = attempt(lambda: _atoms(frame))
    if read.value is None:
        return refused(name, place, Reason.UNREADABLE, read.detail)
    atoms = read.value
    name = identifier(atoms.info) or name
    if not atoms.pbc.all():
        return refused(name, place, Reason.NOT_PERIODIC, f"pbc {' '.join('FT'[bool(flag)] for flag in atoms.pbc)}")
    if not atoms.numbers.all():
        return refused(name, place, Reason.UNKNOWN_ELEMENT, "X")
    if read.warned:
        return refused(name, place, Reason.LIBRARY_WARNED, read.detail)
    made = attempt(lambda: _structure(atoms))
    reason = Reason.UNREADABLE if made.value is None else None
    row = usable(StructureRow(name, place, made.value, reason, made.fault, _facts(atoms)))
    return row if row.reason else held_against(row, atoms.info)


def _atoms(frame: list[str]) -> Any:
    from ase.io import read  # noqa: PLC0415  (slow import)

    column = _species_column(frame[1])
    lines = [_without_isotope(line, column) for line in frame[2:]]
    parser = partial(_comment, words=len(frame[2].split()))
    text = "\n".join([*frame[:2], *lines, ""])
    return read(StringIO(text), index=0, format="extxyz", properties_parser=parser)


def _comment(line: str, *, words: int) -> dict[str, Any]:
    """What a comment line says; ase makes room for all columns that it announces, be they ever so many.

    Raises:
        ValueError: if they are more than the ``words`` of a line.
    """
    from ase.io.extxyz import key_val_str_to_dict  # noqa: PLC0415  (slow import)

    said: dict[str, Any] = key_val_str_to_dict(line)
    columns = sum(max(int(width), 0) for width in str(said.get("Properties", "")).split(":")[2::3])
    if columns > words:
        raise ValueError(f"{columns} columns are announced, but a line has {words}")
    return said


def _species_column(comment: str) -> int:
    """Where a line's element stands."""
    match = _PROPERTIES.search(comment)
    at, words = 0, match[1].split(":") if match else []
    for name, _, width in zip(words[::3], words[1::3], words[2::3], strict=False):
        if name.lower() == "species":
            return at
        at += int(width) if width.isdecimal() else 1
    return 0


def _without_isotope(line: str, column: int) -> str:
    """Deuterium and tritium as hydrogen, which ase knows."""
    words = line.split()
    if len(words) > column and words[column] in ISOTOPES:
        words[column] = "H"
        return " ".join(words)
    return line


def _facts(atoms: Any) -> dict[str, Any]:
    """What the comment line says; ase takes energies out of it and hands them on as a calculator's."""
    results = {} if atoms.calc is None else atoms.calc.results
    return {**atoms.info, **{key: value for key, value in results.items() if key == "energy"}}


def _structure(atoms: Any) -> Any:
    from pymatgen.core import Element, Structure  # noqa: PLC0415  (slow import)

    species = [Element.from_Z(int(number)) for number in atoms.numbers]
    return Structure(atoms.cell.array, species, atoms.positions, coords_are_cartesian=True)
