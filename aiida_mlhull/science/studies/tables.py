"""The rows of a study's table, and the split that both sides of a comparison are made on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from aiida_mlhull.science.ensembles.learning import split_groups
from aiida_mlhull.science.ensembles.rows import elemental_mixtures
from aiida_mlhull.science.errors import InputError, TableError, TooFewLabelsError
from aiida_mlhull.science.reading.candidates import read_candidates
from aiida_mlhull.science.reading.properties import read_properties
from aiida_mlhull.science.studies.runs import StudyRun
from aiida_mlhull.science.studies.settings import StudyRow, StudyTable, TwoClasses
from aiida_mlhull.science.types import Candidates, Labels, References
from aiida_mlhull.science.types.crystals import Floats, Integers

VARIABLE: Final = "MLHULL_DATA"
"""Environment variable: the folder of public data."""

_DIGITS: Final = 8


@dataclass(frozen=True, eq=False)
class StudyRows:
    """The same n rows, as fits and predictions take them.

    Attributes:
        cells: what models see.
        labels: what they learn, or are compared with; of pairs with the relaxed cells.
        has_cells: false where cells are placeholders for compositions.
        remark: what was read.
    """

    cells: Candidates
    labels: Labels
    has_cells: bool
    remark: str = ""

    def __len__(self) -> int:
        return len(self.cells)

    def take(self, rows: Integers) -> StudyRows:
        """Some of them."""
        return replace(self, cells=self.cells.take(rows), labels=self.labels.take(rows))


@dataclass(frozen=True, eq=False)
class Halves:
    """What a run learns from, and what it is asked about.

    Attributes:
        learned: rows to learn from and to stop by.
        asked: rows that no member learns from or stops by.
        digest: of the file that they are from.
    """

    learned: StudyRows
    asked: StudyRows
    digest: str


def find_file(place: str, folder: Path | None = None) -> Path | None:
    """A file of public data: in ``folder``, else in ``$MLHULL_DATA``; None where it isn't.

    Args:
        place: below the folder.
        folder: that people name.
    """
    folders = [folder] if folder is not None else [Path(os.environ[VARIABLE])] if VARIABLE in os.environ else []
    return next((one / place for one in folders if (one / place).is_file()), None)


def digest_of(path: Path) -> str:
    """A digest of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]


def halves(run: StudyRun, folder: Path | None = None) -> Halves:
    """The rows of a run whose table is a file; rows that can't be used are left out. See :func:`shared_out`.

    Args:
        run: whose rows they are.
        folder: of public data.

    Raises:
        InputError: if the file isn't there.
        MlhullError: if it can't be read.
        TooFewLabelsError: if fewer rows are left to learn from than a learning curve asks for.
    """
    path = find_file(run.table.file, folder)
    if path is None:
        raise InputError(missing(run.table.file))
    rows = read_rows(path, run.table, run.row)
    if run.row.only_above is not None:
        rows = rows.take(np.flatnonzero(rows.labels.energies > run.row.only_above))
    return shared_out(run, rows, digest=digest_of(path))


def shared_out(run: StudyRun, rows: StudyRows, *, digest: str) -> Halves:
    """Rows to learn from and to be asked about.

    The larger sets to learn from hold the smaller ones, and test rows are the same for all of a seed, as in
    :func:`~aiida_mlhull.science.ensembles.learning.learning_curve`.

    Args:
        run: whose rows they are.
        rows: all rows of its table.
        digest: of what they are from.

    Raises:
        TooFewLabelsError: if fewer rows are left to learn from than a learning curve asks for.
    """
    learned, test = split(rows, run.row, seed=run.seed)
    if run.row.sizes and run.learn is not None and run.learn > len(learned):
        raise TooFewLabelsError(f"{len(learned)} rows are left to learn from, but {run.learn} were asked for")
    asked = rows.take(test[: run.asked] if run.asked is None else np.sort(_drawn(test, run.seed)[: run.asked]))
    if run.row.cells == "relaxed":
        asked = replace(asked, cells=replace(asked.cells, crystals=asked.labels.crystals))
    return Halves(rows.take(np.sort(learned[: run.learn])), asked, digest)


def rows_of_stage(labels: Labels, table: StudyTable) -> StudyRows:
    """What came out of a stage that a study has made: its cells, and formation energies of those that went well."""
    well = labels.take(np.flatnonzero(labels.succeeded))
    empty = np.full(len(well), "")
    cells = Candidates(
        ids=well.ids,
        formulas=well.formulas,
        crystals=well.crystals,
        protostructures=empty,
        origins=empty,
        source=f"{table.name}, stage {well.stage}",
    )
    return StudyRows(cells, _formation(well, table.measured_from), has_cells=True)


def _formation(labels: Labels, elements: Mapping[str, float]) -> Labels:
    """Total energies measured from the mixture of the elements; as they are where none are named.

    Raises:
        MissingEndMembersError: if one is missing.
    """
    if not elements:
        return labels
    names = list(elements)
    known = References.from_rows(ids=names, formulas=names, energies=np.array(list(elements.values())))
    return replace(labels, energies=labels.energies - elemental_mixtures(labels.formulas, known))


def missing(place: str) -> str:
    """What to do about a file that isn't there."""
    return f"{place} is not there: name its folder by --data, or in the environment variable {VARIABLE}"


def read_rows(path: Path, table: StudyTable, row: StudyRow) -> StudyRows:
    """All rows of a table that can be used.

    Raises:
        MlhullError: if the file can't be read, or lacks the column.
    """
    if table.kind == "pairs":
        pairs = _pairs(path, row)
        return replace(pairs, labels=_formation(pairs.labels, table.measured_from))
    found = read_properties(path, target=row.target, bad_rows="leave_out")
    cells, labels = found.tables(unit=row.unit)
    labels = _formation(labels, table.measured_from)
    if row.classes is not None:
        labels = replace(labels, energies=second_class(labels.energies, row.classes))
    return StudyRows(cells, labels, found.has_cells, found.summary())


def second_class(values: Floats, classes: TwoClasses) -> Floats:
    """(n,) 1 for rows of the second class, whose values are not above the threshold, else 0."""
    return np.asarray(values <= classes.above, dtype=np.float64)


def _pairs(path: Path, row: StudyRow) -> StudyRows:
    """Cells before and after relaxation; the column of the target stands beside them, the energy needs no name."""
    intake = read_candidates(path, bad_rows="leave_out")
    cells, labels = intake.candidates, intake.require_record()
    if row.target:
        if intake.beside is None or row.target not in intake.beside.column_names:
            raise TableError(f"{path.name} has no column {row.target} beside the cells")
        values = np.asarray(intake.beside[row.target].to_numpy(zero_copy_only=False), dtype=np.float64)
        known = np.flatnonzero(np.isfinite(values) & labels.succeeded)
        labels = replace(labels, energies=np.where(labels.succeeded, values, np.nan)).take(known)
        cells = cells.take(known)
    return StudyRows(cells, labels, has_cells=True, remark=intake.summary())


def split(rows: StudyRows, row: StudyRow, *, seed: int) -> tuple[Integers, Integers]:
    """Row numbers to learn from, in random order, and to test on."""
    formulas = rows.cells.formulas
    if row.by == "row":
        groups = np.arange(len(rows))
    elif row.by == "formula":
        groups = np.unique(formulas, return_inverse=True)[1]
    else:
        keys = [f"{one} {energy:.3f}" for one, energy in zip(formulas, rows.labels.energies, strict=True)]
        groups = np.unique(keys, return_inverse=True)[1]
    return split_groups(groups.astype(np.int64), share=row.test_share, seed=seed)


def _drawn(test: Integers, seed: int) -> Integers:
    """The same test rows in random order, so that some of them are as good as others."""
    return np.asarray(np.random.default_rng([seed, len(test)]).permutation(test))
