"""Relaxed crystals on disk, one line each, so that a run that was killed loses only what was under way."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from aiida_mlhull.science.program.progress import say
from aiida_mlhull.science.relaxation.base import Relaxed
from aiida_mlhull.science.wire import write_whole


class FinishedRows:
    """Rows that are done, in a file that grows by a line per row.

    The first line is the job's identity: rows of another job, or of the same one with other settings,
    are not taken over. A line that was cut off by the end of a process is not taken over either.

    Args:
        path: the file; made if it isn't there.
        identity: see above.
        earlier: the file of an earlier try, whose rows are taken over too.

    Attributes:
        rows: by row number, those that an earlier run has left included.
    """

    def __init__(self, path: Path, *, identity: str, earlier: Path) -> None:
        self.rows = _taken_over(earlier, identity) | _taken_over(path, identity)
        write_whole(path, "".join([_header(identity), *map(_encoded, self.rows.values())]).encode())
        self._file = path.open("a")

    def close(self) -> None:
        """Close the file; rows can't be added any more."""
        self._file.close()

    def add(self, row: Relaxed) -> None:
        """Keep a row, on disk at once."""
        self._file.write(_encoded(row))
        self._file.flush()
        self.rows[row.row] = row


def _taken_over(path: Path, identity: str) -> dict[int, Relaxed]:
    """Whole rows of the same job."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    whole = [line for line in lines if line.endswith("\n")]
    if not whole:
        return {}
    if whole[0] != _header(identity):
        say(f"{path.name} belongs to another job and is not used")
        return {}
    rows = [_decoded(line) for line in whole[1:]]
    return {row.row: row for row in rows}


def _header(identity: str) -> str:
    return json.dumps({"identity": identity}) + "\n"


def _encoded(row: Relaxed) -> str:
    """A line; Python writes and reads back every float to the last bit, NaN included."""
    return json.dumps(asdict(row) | {"lattice": row.lattice.tolist(), "frac_coords": row.frac_coords.tolist()}) + "\n"


def _decoded(line: str) -> Relaxed:
    values: dict[str, Any] = json.loads(line)
    lattice, frac_coords = np.array(values.pop("lattice")), np.array(values.pop("frac_coords"))
    further = tuple(values.pop("further", ()))
    return Relaxed(lattice=lattice, frac_coords=frac_coords, further=further, **values)


def count_finished(path: Path) -> tuple[int, int]:
    """Whole rows in the file of a job that may still run: relaxed ones, and failed ones; zero if there is none yet."""
    try:
        lines = path.read_text().splitlines(keepends=True)
    except (OSError, UnicodeDecodeError):
        return 0, 0
    whole = [line for line in lines[1:] if line.endswith("\n")]
    relaxed = sum('"failure": ""' in line for line in whole)
    return relaxed, len(whole) - relaxed
