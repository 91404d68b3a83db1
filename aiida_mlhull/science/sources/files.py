"""Files and folders: tables, CIF, POSCAR, extxyz, pymatgen's JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.reading.candidates import read_crystals
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.sources.base import Portion, Source


class Files(Source):
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
        """One portion a file or folder."""
        for path in self.paths:
            intake = read_crystals(path, bad_rows="leave_out")
            crystals = intake.candidates.crystals
            assert crystals is not None
            yield Portion(replace(intake.candidates, protostructures=protostructures(crystals)), intake.left_out)
