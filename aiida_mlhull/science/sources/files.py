"""FileSource and folders: tables, CIF, POSCAR, extxyz, pymatgen's JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from aiida_mlhull.science.errors import InputError, WireError, listed
from aiida_mlhull.science.reading.candidates import read_crystals
from aiida_mlhull.science.reading.sieve import LeftOut
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.sources.base import Portion, Source
from aiida_mlhull.science.types.reasons import Reason


class FileSource(Source):
    """Crystals on this machine.

    Args:
        paths: files and folders, as :func:`~aiida_mlhull.science.reading.candidates.read_candidates` reads them.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        if not paths:
            raise InputError("no files: name some, or a folder")
        self.paths = tuple(paths)
        self.name = ", ".join(path.name for path in paths)

    def portions(self, journal: Path) -> Iterator[Portion]:  # noqa: ARG002  (files are read again in no time)
        """One portion per file or folder; of several, those of which nothing can be used are left out whole.

        Raises:
            InputError: if a path doesn't exist, or nothing of the only one can be used.
            WireError: if the only one can't be read.
        """
        missing = [str(path) for path in self.paths if not path.exists()]
        if missing:
            raise InputError(f"no such file or folder: {listed(missing)}")
        for path in self.paths:
            try:
                intake = read_crystals(path, bad_rows="leave_out")
            except (InputError, WireError) as error:
                if len(self.paths) == 1:
                    raise
                yield Portion(None, _whole(path, str(error)))
                continue
            crystals = intake.candidates.crystals
            assert crystals is not None
            candidates = replace(intake.candidates, protostructures=protostructures(crystals))
            yield Portion(candidates, intake.left_out, remarks=intake.remarks)


def _whole(path: Path, detail: str) -> LeftOut:
    """A file or folder of which nothing can be used, as one row."""
    return LeftOut.from_rows(
        ids=[path.name], formulas=[""], reasons=[str(Reason.UNREADABLE)], details=[" ".join(detail.split())]
    )
