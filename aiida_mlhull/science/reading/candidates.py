"""Candidates of a campaign, and the record of what became of them, from files of other people.

Everything that can be wrong with them is found here, before anything is stored: the message names the
rows. Data sets that are known to have bad rows are read with a report of what was left out and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.reading.columns import ENERGY_COLUMNS, TABLE_SUFFIXES
from aiida_mlhull.science.reading.label_tables import labels_alone, read_labels
from aiida_mlhull.science.reading.sieve import BadRows, Found, LeftOut, catch_broken_cells
from aiida_mlhull.science.reading.structures.structure_files import read_structures
from aiida_mlhull.science.reading.table_files import cell_columns, read_rows
from aiida_mlhull.science.types import Candidates, Labels

AS_PUBLISHED: Final = "as published"
"""Scheme of energies of which nothing more is known."""

FEWEST: Final = 2
"""Candidates that a campaign needs: with one alone there is nothing to choose."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Intake:
    """What came out of a file or folder.

    Attributes:
        candidates: the unrelaxed crystals, or labels without cells.
        record: their relaxed crystals and energies by the same ids; None where the file has none.
        left_out: rows that can't be used.
        remarks: what is to be said of the file or folder as a whole.
        beside: a table's other columns, a row per candidate in their order; None where there are none.
    """

    candidates: Candidates
    record: Labels | None
    left_out: LeftOut
    remarks: tuple[str, ...] = ()
    beside: pa.Table | None = None

    def summary(self) -> str:
        """One line: rows read, used, left out and why."""
        used = len(self.candidates)
        read = used + len(self.left_out)
        said = f"{self.candidates.source}: {read} rows read, {used} used; {self.left_out.summary()}"
        return "; ".join([said, *self.remarks])

    def require_record(self) -> Labels:
        """The record.

        Raises:
            InputError: if there is none.
        """
        if self.record is None:
            needed = ", ".join((*cell_columns("_relaxed"), ENERGY_COLUMNS[0]))
            raise InputError(f"{self.candidates.source} holds no results to replay; they stand in columns {needed}")
        return self.record


def read_candidates(path: Path | str, *, bad_rows: BadRows = "refuse", scheme: str = AS_PUBLISHED) -> Intake:
    """Read candidates from whatever ``path`` is.

    Args:
        path: a parquet or csv file (columns: see
            :mod:`~aiida_mlhull.science.reading.table_files`; labels without cells:
            :mod:`~aiida_mlhull.science.reading.label_tables`), a folder of CIF or POSCAR files, an extxyz file, or structures as pymatgen writes them to JSON.
        bad_rows: whether rows that can't be used are an error, or left out and counted. Rows that the
            file itself calls unclean are always left out and counted.
        scheme: functional, settings and correction scheme of the record's energies.

    Raises:
        WireError: if there is nothing that can be read.
        TableError: on missing columns; missing or duplicate ids; energies that are not finite; volumes
            that are not positive; unrelaxed and relaxed cells of different composition.
        CrystalError: on NaN or infinite numbers, unknown elements, no volume, overlapping atoms.
        InputError: if fewer than two candidates are left.
    """
    path = Path(path)
    labels = labels_alone(path)
    intake = (
        read_crystals(path, bad_rows=bad_rows, scheme=scheme)
        if labels is None
        else Intake(**read_labels(labels, bad_rows=bad_rows)._asdict(), record=None)
    )
    if len(intake.candidates) < FEWEST:
        raise InputError(
            f"{path.name}: a single candidate, {intake.candidates.ids[0]}: a campaign chooses among several; "
            "relax this one with the engine"
        )
    return intake


def read_crystals(path: Path, *, bad_rows: BadRows = "refuse", scheme: str = AS_PUBLISHED) -> Intake:
    """The same as :func:`read_candidates`, with cells, of which one alone is enough."""
    found, left_out = sound_rows(path, bad_rows=bad_rows)
    candidates, record = _nouns(found, scheme=scheme)
    return Intake(candidates=candidates, record=record, left_out=left_out, remarks=found.remarks, beside=_beside(found))


def _beside(found: Found) -> pa.Table | None:
    """Other columns of the good rows, sorted as candidates are."""
    if found.beside is None:
        return None
    good = np.flatnonzero(found.sieve.good)
    return found.beside.take(pa.array(good[np.argsort(found.sieve.ids[good], kind="stable")]))


def sound_rows(path: Path, *, bad_rows: BadRows = "refuse") -> tuple[Found, LeftOut]:
    """What a file or folder holds, its broken cells caught; see :func:`read_candidates`.

    Raises:
        WireError: if there is nothing that can be read.
        TableError: on missing columns; missing or duplicate ids; energies that are not finite; volumes
            that are not positive; unrelaxed and relaxed cells of different composition.
        CrystalError: on NaN or infinite numbers, unknown elements, no volume, overlapping atoms.
        InputError: if there is no such file, or no row is sound.
    """
    if not path.exists():
        raise InputError(f"no such file or folder: {path}")
    reader = read_rows if path.suffix.lower() in TABLE_SUFFIXES else read_structures
    found = reader(path, bad_rows=bad_rows)
    return found, _catch_broken(found)


def sifted(found: Found) -> Intake:
    """The sound ones of rows that came from somewhere else than a file.

    Raises:
        CrystalError: on broken cells that may not be left out.
        InputError: if no row is sound.
    """
    left_out = _catch_broken(found)
    candidates, record = _nouns(found, scheme=AS_PUBLISHED)
    return Intake(candidates=candidates, record=record, left_out=left_out, remarks=found.remarks)


def _catch_broken(found: Found) -> LeftOut:
    """Stop rows with broken cells; the report of all rows that got stuck."""
    both = found.relaxed is not None
    catch_broken_cells(found.sieve, found.cells, side="unrelaxed" if both else "")
    if found.relaxed is not None:
        catch_broken_cells(found.sieve, found.relaxed, side="relaxed")
    return found.sieve.left_out()


def _nouns(found: Found, *, scheme: str) -> tuple[Candidates, Labels | None]:
    """The rows that passed, as candidates and, where they have results, as their record."""
    good = found.sieve.good
    cells = found.cells.take(good)
    ids, formulas, empty = found.sieve.ids[good], cells.reduced_formulas(), np.full(len(cells), "")
    candidates = Candidates.from_rows(
        ids=ids,
        formulas=formulas,
        crystals=cells,
        protostructures=empty,
        origins=found.origins[good],
        source=found.sieve.name,
    )
    if found.relaxed is None or found.energies is None:
        return candidates, None
    record = Labels.from_rows(
        ids=ids,
        formulas=formulas,
        energies=found.energies[good],
        crystals=found.relaxed.take(good),
        failures=empty,
        core_minutes=np.zeros(len(cells)),
        stage="record",
        engine="recorded",
        scheme=scheme,
        cost_basis="nominal",
    )
    return candidates, record
