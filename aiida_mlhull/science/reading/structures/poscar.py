"""POSCAR files: pymatgen reads them, after what it guesses is settled here.

Three things are made plain before it reads. Files of VASP 4 name no elements: they are taken from a POTCAR in the
same folder, from the ends of the coordinate lines, or from the comment, if every word of it is an element and their
number fits; pymatgen would call them H, He, Li. A negative scale is the volume of the cell, with which Cartesian
positions are scaled as well; pymatgen multiplies these with the volume. Three scales are those of x, y and z.
(VASP wiki, "POSCAR", "Vectors and the scaling factor".)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from aiida_mlhull.science.reading.warned import attempt
from aiida_mlhull.science.representations.composition import ISOTOPES, NUMBERS
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason

if TYPE_CHECKING:
    from pymatgen.core import Structure

_HEADER: Final = 5
"""Lines: comment, scale, three vectors."""

_TITLE: Final = re.compile(r"^\s*TITEL\s*=\s*\S+\s+([A-Z][a-z]?)(?:[_.\s]|$)", re.MULTILINE)
_SYMBOL: Final = re.compile(r"([A-Z][a-z]?)(?:[_./].*)?")
"""Element of a symbol with the potential's name, or its hash, behind it: Ti_pv, Si/79d9987."""


@dataclass(frozen=True)
class ReadPoscar:
    """What came of a POSCAR.

    Attributes:
        structure: None if it can't be used.
        reason: why; see :data:`~aiida_mlhull.science.reading.rows.REFUSALS`.
        detail: what is to be said of it.
        named_by: where the elements were found, if not in the file's own line.
    """

    structure: Structure | None
    reason: Reason | None = None
    detail: str = ""
    named_by: str = ""


@dataclass(frozen=True)
class _Head:
    """The lines before the positions.

    Attributes:
        symbols: element of every group, empty where the file doesn't say.
        counts: atoms of every group.
        rest: number of the line after the counts.
    """

    symbols: tuple[str, ...]
    counts: tuple[int, ...]
    rest: int


def elements_of_potcar(text: str) -> tuple[str, ...]:
    """Elements of a POTCAR in their order, from the titles of its data sets."""
    return tuple(_TITLE.findall(text))


def read_poscar(text: str, *, potcar: Sequence[str] = ()) -> ReadPoscar:
    """Read a POSCAR.

    Args:
        text: of the file.
        potcar: elements of the POTCAR in the same folder, if there is one.
    """
    lines = text.split("\n")
    settled = attempt(lambda: _head(lines))
    head = settled.value
    if head is None:
        return ReadPoscar(None, Reason.UNREADABLE, settled.detail)
    symbols, named_by = _elements(lines, head, potcar)
    if not symbols:
        return ReadPoscar(None, Reason.NO_ELEMENTS, f"{named_by}; write them into line 6, as VASP 5 does")
    contradiction = _contradiction(lines, head, symbols, potcar)
    if contradiction is not None:
        return ReadPoscar(None, *contradiction)
    parsed = attempt(lambda: _parsed(_plain(lines, head, symbols)))
    if parsed.value is None:
        return ReadPoscar(None, Reason.UNREADABLE, parsed.detail)
    if parsed.warned:
        return ReadPoscar(None, Reason.LIBRARY_WARNED, parsed.detail)
    return ReadPoscar(parsed.value, named_by=named_by)


def _head(lines: list[str]) -> _Head:
    """Symbols and counts, each of which may take several lines.

    Raises:
        ValueError: if the file is too short, or its counts are not numbers of atoms that it has lines for.
    """
    at, symbols = _HEADER, list[str]()
    while at < len(lines) and lines[at].split() and not _is_counts(lines[at]):
        symbols += _words(lines[at])
        at += 1
    counts: list[int] = []
    while at < len(lines) and _is_counts(lines[at]) and (not counts or len(counts) < len(symbols)):
        counts += [int(word) for word in _words(lines[at])]
        at += 1
    if not counts or sum(counts) < 1 or sum(counts) > len(lines) - at:
        raise ValueError(f"no numbers of atoms, or fewer lines than atoms (line {at})")
    if symbols and len(symbols) != len(counts):
        raise ValueError(f"{len(symbols)} elements, but {len(counts)} numbers of atoms")
    return _Head(tuple(symbols), tuple(counts), at)


def _words(line: str) -> list[str]:
    """Words of a line before a comment."""
    return re.split("[!#]", line)[0].split()


def _is_counts(line: str) -> bool:
    words = _words(line)
    return bool(words) and all(word.isdecimal() and len(word) < 8 for word in words)  # noqa: PLR2004


def _elements(lines: list[str], head: _Head, potcar: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Elements of the groups, and where they were found if not in the file's own line; none, and why."""
    if head.symbols:
        matches = [_SYMBOL.fullmatch(word) for word in head.symbols]
        symbols = tuple(match[1] if match else "" for match in matches)
        strangers = [word for word, symbol in zip(head.symbols, symbols, strict=True) if not _is_element(symbol)]
        return (symbols, "") if not strangers else ((), f"{' '.join(strangers)} in the line of elements")
    groups = len(head.counts)
    if len(potcar) == groups and all(map(_is_element, potcar)):
        return tuple(potcar), "POTCAR"
    at_ends = _symbols_at_ends(lines, head)
    if at_ends:
        return at_ends, "coordinate lines"
    comment = _symbols_of_comment(lines, head)
    if comment:
        return comment, "comment line"
    return (), f"{groups} kinds of atoms without names, comment {lines[0].strip()[:40]!r}"


def _is_element(word: str) -> bool:
    return word in NUMBERS or word in ISOTOPES


def _contradiction(
    lines: list[str], head: _Head, symbols: Sequence[str], potcar: Sequence[str]
) -> tuple[Reason, str] | None:
    """Reason and words where something else in the file, or its POTCAR, says that there are other atoms."""
    other = _other_elements(lines, head, symbols, potcar)
    if other:
        return Reason.FORMULA_DIFFERS, f"{other}, POSCAR {' '.join(symbols)}"
    after = lines[_first(lines, head) + sum(head.counts) :][:1]
    if after and _is_position(after[0]):
        return Reason.COUNT_DIFFERS, f"{sum(head.counts)} atoms, but more lines with positions"
    return None


def _other_elements(lines: list[str], head: _Head, symbols: Sequence[str], potcar: Sequence[str]) -> str:
    """What names other elements than these, and which; empty if nothing does."""
    if potcar and list(potcar[: len(symbols)]) != list(symbols):
        return f"POTCAR {' '.join(potcar)}"
    at_ends = _symbols_at_ends(lines, head)
    if at_ends and at_ends != tuple(symbols):
        return f"ends of lines {' '.join(at_ends)}"
    comment = () if head.symbols else _symbols_of_comment(lines, head)
    return f"comment {' '.join(comment)}" if comment and comment != tuple(symbols) else ""


def _symbols_of_comment(lines: list[str], head: _Head) -> tuple[str, ...]:
    """Words of the comment, where all are elements and there is one for every group."""
    words = tuple(lines[0].split())
    return words if len(words) == len(head.counts) and all(map(_is_element, words)) else ()


def _first(lines: list[str], head: _Head) -> int:
    """Where the positions begin, behind their kind and the word for selective dynamics."""
    return head.rest + 1 + (lines[head.rest].strip()[:1] in {"s", "S"})


def _is_position(line: str) -> bool:
    """Three numbers, and perhaps more."""
    words = line.split()[:3]
    return len(words) == 3 and attempt(lambda: [float(word) for word in words]).value is not None  # noqa: PLR2004


def _symbols_at_ends(lines: list[str], head: _Head) -> tuple[str, ...]:
    """Elements behind the positions, where every atom of a group has the same; pymatgen writes them."""
    at = _first(lines, head)
    column, symbols = 3 * (at - head.rest), list[str]()
    for count in head.counts:
        words = {tuple(line.split()[column : column + 1]) for line in lines[at : at + count]}
        at += count
        if len(words) != 1:
            return ()
        symbols += [*words.pop()] or [""]
    return tuple(symbols) if all(map(_is_element, symbols)) else ()


def _plain(lines: list[str], head: _Head, symbols: Sequence[str]) -> str:
    """The same with one positive scale and a line of elements, and nothing behind the positions.

    Raises:
        ValueError: if a number is missing, or the cell has no volume that could be scaled.
    """
    scales = np.asarray([float(word) for word in _words(lines[1])])
    lattice = np.asarray([[float(word) for word in _words(line)[:3]] for line in lines[2:_HEADER]])
    if scales.shape not in {(1,), (3,)} or not scales.all() or lattice.shape != (3, 3):
        raise ValueError("one scale, or three, and three vectors of three numbers are needed")
    first = _first(lines, head)
    positions = lines[first : first + sum(head.counts)]
    if len(scales) == 1:
        scale = float(scales[0] if scales[0] > 0 else np.cbrt(-scales[0] / abs(np.linalg.det(lattice))))
    elif (scales < 0).any():
        raise ValueError("of three scales none is negative")
    else:
        scale, lattice = 1.0, lattice * scales
        if lines[first - 1].strip()[:1] in {"c", "C", "k", "K"}:
            positions = [_scaled(line, scales) for line in positions]
    vectors = [" ".join(map(repr, vector)) for vector in lattice.tolist()]
    groups = [" ".join(symbols), " ".join(map(str, head.counts))]
    return "\n".join(["cell", repr(scale), *vectors, *groups, *lines[head.rest : first], *positions])


def _scaled(position: str, scales: Floats) -> str:
    words = position.split()
    return " ".join([*map(repr, (np.asarray(words[:3], dtype=np.float64) * scales).tolist()), *words[3:]])


def _parsed(text: str) -> Structure:
    from pymatgen.io.vasp import Poscar as Parser  # noqa: PLC0415  (slow import)

    return Parser.from_str(text, read_velocities=False).structure
