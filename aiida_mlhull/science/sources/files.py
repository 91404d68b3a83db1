"""FileSource and folders: tables, CIF, POSCAR, extxyz, pymatgen's JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from aiida_mlhull.science.errors import InputError, WireError, listed
from aiida_mlhull.science.reading.candidates import read_crystals
from aiida_mlhull.science.reading.columns import ENERGY_COLUMNS, TABLE_SUFFIXES, schema_of
from aiida_mlhull.science.reading.sieve import LeftOut
from aiida_mlhull.science.reading.table_files import cell_columns, columns_beside
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
        schema, lost = _schema_beside(self.paths)
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
            beside = _aligned(intake.beside, schema, rows=len(candidates)) if schema.names else None
            yield Portion(candidates, intake.left_out, remarks=(*intake.remarks, *lost), beside=beside)
            lost = ()


def _whole(path: Path, detail: str) -> LeftOut:
    """A file or folder of which nothing can be used, as one row."""
    return LeftOut.from_rows(
        ids=[path.name], formulas=[""], reasons=[str(Reason.UNREADABLE)], details=[" ".join(detail.split())]
    )


def _schema_beside(paths: Sequence[Path]) -> tuple[pa.Schema, tuple[str, ...]]:
    """Columns of all tables that go along, those of different kinds as text; and what is to be said of others.

    A record goes along only where all files have one: a table has it for every row, or for none.
    """
    schemas = [schema_of(path) if path.suffix.lower() in TABLE_SUFFIXES else pa.schema([]) for path in paths]
    partial = {
        name
        for name in (*cell_columns("_relaxed"), *ENERGY_COLUMNS)
        if 0 < sum(name in schema.names for schema in schemas) < len(schemas)
    }
    kinds: dict[str, pa.DataType] = {}
    for schema in schemas:
        for name in columns_beside(schema)[0]:
            if name not in partial:
                kind = schema.field(name).type
                kinds[name] = kind if kinds.setdefault(name, kind) == kind else pa.string()
    lost = f"columns that don't go along, as only some of the files have them: {', '.join(sorted(partial))}"
    return pa.schema(list(kinds.items())), (lost,) if partial else ()


def _aligned(beside: pa.Table | None, schema: pa.Schema, *, rows: int) -> pa.Table:
    """The columns of all files; empty where this one has none."""
    columns = []
    for field in schema:
        if beside is None or field.name not in beside.column_names:
            columns.append(pa.nulls(rows, field.type))
            continue
        values = beside[field.name]
        if values.type != field.type:
            texts = [None if value is None else str(value) for value in values.to_pylist()]
            values = pa.array(texts, pa.string())
        columns.append(values)
    return pa.table(columns, schema=schema)
