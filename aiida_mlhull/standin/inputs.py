"""VASP's input files, read from their texts.

By hand and not by ``pymatgen.io.vasp``, which takes 1.8 s of CPU time to import, this 0.2 s: the stand-in starts once for
every calculation. The tests hold both against each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.types.crystals import Floats

TRUE, FALSE = ("T", ".T"), ("F", ".F")


class RefusalError(InputError):
    """The stand-in can't do what the inputs ask for, or VASP would refuse them; ends as a box in the output."""


class Incar(Mapping[str, str]):
    """Tags in capitals and what is written behind them; the first of two equal tags counts, as in VASP.

    Args:
        text: the file's text.
    """

    def __init__(self, text: str) -> None:
        self._values: dict[str, str] = {}
        for line in re.sub(r"\\[ \t]*\n", " ", text).splitlines():
            for statement in re.split(r"[#!]", line, maxsplit=1)[0].split(";"):
                tag, equals, value = statement.partition("=")
                if equals:
                    self._values.setdefault(tag.strip().upper(), value.strip())

    def __getitem__(self, tag: str) -> str:
        return self._values[tag]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def integer(self, tag: str, default: int) -> int:
        """The first number behind ``tag``.

        Raises:
            RefusalError: if it is none.
        """
        return round(self.real(tag, default))

    def real(self, tag: str, default: float) -> float:
        """The first number behind ``tag``, in any of Fortran's spellings.

        Raises:
            RefusalError: if it is none.
        """
        if tag not in self:
            return default
        return self._number(tag, (self[tag].split() or [""])[0])

    def reals(self, tag: str) -> list[float]:
        """All numbers behind ``tag``; ``3*0.6`` is three times 0.6.

        Raises:
            RefusalError: if a word is not a number.
        """
        numbers: list[float] = []
        for word in self.get(tag, "").split():
            times, star, value = word.rpartition("*")
            numbers += [self._number(tag, value)] * (round(self._number(tag, times)) if star else 1)
        return numbers

    def flag(self, tag: str, *, default: bool) -> bool:
        """Whether what stands behind ``tag`` begins with T or .T.

        Raises:
            RefusalError: if it begins with neither T nor F.
        """
        value = self.get(tag, "T" if default else "F").upper()
        if not value.startswith(TRUE + FALSE):
            raise RefusalError(f"Error reading item '{tag}' from file INCAR: {value!r} is neither true nor false")
        return value.startswith(TRUE)

    def word(self, tag: str, default: str) -> str:
        """The first word behind ``tag``."""
        return (self.get(tag, "").split() or [default])[0]

    @staticmethod
    def _number(tag: str, word: str) -> float:
        try:
            return float(re.sub("[dD]", "e", word))
        except ValueError:
            raise RefusalError(f"Error reading item '{tag}' from file INCAR: {word!r} is not a number") from None


@dataclass(frozen=True, eq=False)
class Poscar:
    """A POSCAR with the elements' line (VASP 5 and later).

    Attributes:
        comment: its first line.
        lattice: (3, 3) Å.
        blocks: element and number of atoms, as they follow each other.
        frac_coords: (N, 3).
        movable: (N, 3) along which cell vectors atoms may move (selective dynamics).
    """

    comment: str
    lattice: Floats
    blocks: tuple[tuple[str, int], ...]
    frac_coords: Floats
    movable: NDArray[np.bool_]

    @property
    def symbols(self) -> list[str]:
        """The element of every atom."""
        return [symbol for symbol, count in self.blocks for _ in range(count)]

    @classmethod
    def read(cls, text: str) -> Poscar:
        """Read a POSCAR.

        Raises:
            RefusalError: if it can't be understood, or if its cell vectors are left-handed.
        """
        lines = text.splitlines()
        try:
            lattice = _scaled(np.array([line.split()[:3] for line in lines[2:5]], dtype=np.float64), lines[1])
            symbols = [word.split("/")[0].split("_")[0] for word in lines[5].split()]
            counts = [int(word) for word in lines[6].split()]
            blocks = tuple(zip(symbols, counts, strict=True))
            selective = lines[7].strip()[:1] in "sS" and bool(lines[7].strip())
            mode, first = (lines[8], 9) if selective else (lines[7], 8)
            rows = [lines[first + k].split() for k in range(sum(counts))]
            coords = np.array([row[:3] for row in rows], dtype=np.float64)
        except (ValueError, IndexError) as error:
            raise RefusalError(f"ERROR: there must be something wrong with the POSCAR file: {error}") from None
        if np.linalg.det(lattice) <= 0.0:
            raise RefusalError("ERROR: the triple product of the basis vectors is negative exchange two basis vectors")
        if mode.strip()[:1] in "cCkK" and mode.strip():
            coords = _scaled(coords, lines[1], lattice_lines=lines[2:5]) @ np.linalg.inv(lattice)
        movable = np.ones((len(coords), 3), dtype=bool)
        if selective:
            movable = np.array([[word.upper().startswith(TRUE) for word in row[3:6]] for row in rows])
        return cls(lines[0].strip(), lattice, blocks, coords, movable)


def _scaled(rows: Floats, scale: str, *, lattice_lines: list[str] | None = None) -> Floats:
    """Rows times the POSCAR's universal scale: one factor, three, or minus the volume in Å³."""
    factors = np.array(scale.split()[:3] if len(scale.split()) >= len("xyz") else scale.split()[:1], dtype=np.float64)
    if factors[0] < 0.0:
        lattice = rows if lattice_lines is None else np.array([x.split()[:3] for x in lattice_lines], dtype=np.float64)
        factors = np.cbrt(-factors / abs(np.linalg.det(lattice)))
    return np.asarray(rows * factors, dtype=np.float64)


@dataclass(frozen=True)
class KpointsFile:
    """What is asked for in reciprocal space; the potential does not use it, but readers of the output may.

    Attributes:
        style: as vasprun.xml calls it.
        divisions: along the three reciprocal vectors.
        shift: in units of the divisions.
    """

    style: str
    divisions: tuple[int, int, int]
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @classmethod
    def read(cls, text: str | None, *, lattice: Floats, spacing: float, gamma: bool) -> KpointsFile:
        """Read a KPOINTS, or what KSPACING (1/Å) and KGAMMA mean where there is none.

        Raises:
            RefusalError: if it can't be understood.
        """
        if text is None:
            lengths = 2.0 * np.pi * np.linalg.norm(np.linalg.inv(lattice), axis=0)
            a, b, c = (max(1, int(np.ceil(length / spacing - 1e-9))) for length in lengths)
            return cls("Gamma" if gamma else "Monkhorst-Pack", (a, b, c))
        lines = text.splitlines()
        try:
            if int(lines[1].split()[0]) > 0:  # a list of points
                return cls("Listgenerated", (1, 1, 1))
            kind = lines[2].strip()[:1].lower()
            if kind == "a":  # automatic: a length
                lengths = np.linalg.norm(np.linalg.inv(lattice), axis=0)
                a, b, c = (max(1, int(float(lines[3].split()[0]) * length + 0.5)) for length in lengths)
                return cls("Gamma", (a, b, c))
            a, b, c = (int(word) for word in lines[3].split()[:3])
            shift = [float(word) for word in lines[4].split()[:3]] if len(lines) > 4 and lines[4].split() else []  # noqa: PLR2004
        except (ValueError, IndexError) as error:
            raise RefusalError(f"ERROR: there must be something wrong with the KPOINTS file: {error}") from None
        u, v, w = shift or (0.0, 0.0, 0.0)
        return cls("Gamma" if kind == "g" else "Monkhorst-Pack", (a, b, c), (u, v, w))


@dataclass(frozen=True)
class Potential:
    """The header of one data set of a POTCAR; nothing else of it is ever read.

    Attributes:
        title: behind TITEL.
        valence: behind ZVAL.
        mass: behind POMASS.
    """

    title: str
    valence: float
    mass: float

    @property
    def element(self) -> str:
        """The element that the title names."""
        return self.title.split()[1].split("_")[0]


def read_potcar(text: str) -> list[Potential]:
    """The headers of a POTCAR's data sets, in their order.

    Raises:
        RefusalError: if there is none.
    """
    titles = re.findall(r"^\s*TITEL\s*=\s*(\S.*?)\s*$", text, flags=re.MULTILINE)
    valences = re.findall(r"ZVAL\s*=\s*([\d.]+)", text)
    masses = re.findall(r"POMASS\s*=\s*([\d.]+)", text)
    if not titles or not len(titles) == len(valences) == len(masses):
        raise RefusalError("ERROR: POTCAR holds no data sets with TITEL, ZVAL and POMASS")
    return [
        Potential(title, float(valence), float(mass))
        for title, valence, mass in zip(titles, valences, masses, strict=True)
    ]
