"""What the screen output of pw.x shows while it runs: the cell that it is at, the time that it has spent."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from aiida_mlhull.science.types.crystals import Floats

BOHR: Final = 0.529177210544
"""Å; CODATA 2022."""

_NUMBER: Final = r"[-+]?\d*\.?\d+(?:[eEdD][-+]?\d+)?"
_CELL: Final = re.compile(
    rf"^CELL_PARAMETERS\s*[({{]?\s*(?P<unit>alat|bohr|angstrom)?(?:\s*=\s*(?P<alat>{_NUMBER}))?\s*[)}}]?\s*\n"
    rf"(?P<rows>(?:\s*{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}\s*\n){{3}})",
    re.MULTILINE,
)
_POSITIONS: Final = re.compile(
    rf"^ATOMIC_POSITIONS\s*[({{]?\s*(?P<unit>alat|bohr|angstrom|crystal)?\s*[)}}]?\s*\n"
    rf"(?P<rows>(?:[A-Z]\S*\s+{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}[^\n]*\n)+)",
    re.MULTILINE,
)
_SPENT: Final = re.compile(r"total cpu time spent up to now is\s+(?P<seconds>[\d.]+)\s+secs")


def last_cell(screen: str) -> tuple[Floats, Floats] | None:
    """The last cell of a relaxation of the cell that is written whole: lattice (3, 3) in Å and (N, 3) fractional.

    Args:
        screen: what pw.x has written so far.

    Returns:
        None before the first ionic step, or if the cell stays as it is.
    """
    cells, positions = list(_CELL.finditer(screen)), list(_POSITIONS.finditer(screen))
    if not cells or not positions:
        return None
    cell, sites = cells[-1], positions[-1]
    alat = float(cell["alat"] or 1.0) * BOHR
    lattice = _rows(cell["rows"], first=0) * {"angstrom": 1.0, "bohr": BOHR}.get(cell["unit"] or "alat", alat)
    coordinates = _rows(sites["rows"], first=1)
    if sites["unit"] == "crystal":
        return lattice, coordinates
    scale = {"angstrom": 1.0, "bohr": BOHR}.get(sites["unit"] or "alat", alat)
    return lattice, coordinates * scale @ np.linalg.inv(lattice)


def seconds_spent(screen: str) -> float | None:
    """Seconds of a run that did not come to its end, by its last word; None if it wrote none."""
    spent = _SPENT.findall(screen)
    return float(spent[-1]) if spent else None


def _rows(text: str, *, first: int) -> Floats:
    """Three numbers of every line, after as many other words as ``first`` says."""
    words = [line.split()[first : first + 3] for line in text.strip().splitlines()]
    return np.asarray([[float(word.lower().replace("d", "e")) for word in row] for row in words])
