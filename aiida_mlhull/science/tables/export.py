"""Tables as files for people: csv, parquet, JSON, CIF.

Exported tables are flat: one row per candidate, plain column names with their unit, cells as the lists
``lattice`` (9 numbers in Å, rows a, b, c), ``species`` and ``frac_coords``, properties of the whole
table as columns that don't vary. :func:`~aiida_mlhull.science.reading.candidates.read_candidates` reads
them again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.representations.composition import SYMBOLS
from aiida_mlhull.science.types import Crystals, Predictions, Table
from aiida_mlhull.science.types.crystals import Floats

if TYPE_CHECKING:
    import pandas as pd

COLUMN_NAMES: Final = {
    "ids": "id",
    "formulas": "formula",
    "protostructures": "protostructure",
    "origins": "origin",
    "energies": "energy_ev_per_atom",
    "failures": "failure",
    "reasons": "reason",
    "values": "value",
    "thresholds": "threshold",
    "margins": "margin",
    "scores": "score",
}
"""Columns whose exported name differs from the noun's."""

CIF_DIGITS: Final = 10
LONGEST_STEM: Final = 200
"""Bytes; most file systems take names of 255."""

CELL_SUFFIXES: Final = {"crystals": ""}
"""What is appended to ``lattice``, ``species`` and ``frac_coords``; others get an underscore and the noun's name."""

_SYMBOLS: Final = np.asarray(("", *SYMBOLS))


def flat(table: Table) -> pa.Table:
    """The table as people read it; see the module."""
    columns: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    for field in fields(table):
        value = getattr(table, field.name)
        if isinstance(value, Crystals):
            columns |= _cells(value, suffix=CELL_SUFFIXES.get(field.name, f"_{field.name}"))
        elif isinstance(value, np.ndarray) and value.ndim == 1:
            columns[COLUMN_NAMES.get(field.name, field.name)] = _column(value)
        elif value is not None and not isinstance(value, np.ndarray):
            constants[field.name] = pa.array([value] * len(table), pa.string() if isinstance(value, str) else None)
    if isinstance(table, Predictions):
        columns |= _members(table)
    return pa.table(columns | constants)


def to_frame(table: Table) -> pd.DataFrame:
    """A pandas frame of the table as people read it, one row per candidate; see the module.

    Cells are the columns ``lattice`` (9 numbers in Å), ``species`` and ``frac_coords``.
    """
    frame: pd.DataFrame = flat(table).to_pandas()
    return frame


def _column(values: Any) -> pa.Array:
    """A column; NaN, which stands for a missing number, becomes a missing value."""
    return pa.array(values.tolist(), pa.string()) if values.dtype.kind == "U" else pa.array(values, from_pandas=True)


def _cells(crystals: Crystals, *, suffix: str) -> dict[str, pa.Array]:
    per_site, per_number = pa.array(crystals.offsets, pa.int32()), pa.array(3 * crystals.offsets, pa.int32())
    per_cell = pa.array(9 * np.arange(len(crystals) + 1), pa.int32())
    species = pa.array(_SYMBOLS[crystals.numbers].tolist(), pa.string())
    return {
        f"lattice{suffix}": pa.ListArray.from_arrays(per_cell, pa.array(crystals.lattices.ravel())),
        f"species{suffix}": pa.ListArray.from_arrays(per_site, species),
        f"frac_coords{suffix}": pa.ListArray.from_arrays(per_number, pa.array(crystals.frac_coords.ravel())),
    }


def combined(table: Predictions) -> dict[str, Floats]:
    """What the members say together, in the unit of what they were fitted to: eV/atom for energies."""
    return {
        "mean": table.mean,
        "sigma_aleatoric": table.aleatoric,
        "sigma_epistemic": table.epistemic,
        "sigma": table.sigma,
    }


def _members(table: Predictions) -> dict[str, pa.Array]:
    columns = combined(table)
    for member in range(table.members.shape[1]):
        columns[f"member_{member}"] = table.members[:, member]
        columns[f"member_{member}_aleatoric"] = table.member_aleatoric[:, member]
    return {name: pa.array(np.ascontiguousarray(values)) for name, values in columns.items()}


def to_csv(table: Table) -> bytes:
    """Comma-separated values in UTF-8; lists are written as JSON, text is quoted."""
    sink = BytesIO()
    pa.csv.write_csv(csv_columns(table), sink)
    return sink.getvalue()


def csv_columns(table: Table) -> pa.Table:
    """The flat columns, lists as JSON."""
    columns = flat(table)
    for position, field in enumerate(columns.schema):
        if pa.types.is_list(field.type):
            texts = pa.array([json.dumps(values) for values in columns.column(position).to_pylist()], pa.string())
            columns = columns.set_column(position, field.name, texts)
    return columns


def with_beside(rows: pa.Table, beside: pa.Table, *, as_text: bool) -> pa.Table:
    """Flat rows and other columns next to them.

    Args:
        rows: as people read them.
        beside: as many rows; columns of a name that is there already are left away.
        as_text: whether lists and mappings are written as JSON, for csv.
    """
    for field in beside.schema:
        if field.name not in rows.column_names:
            values = beside[field.name]
            if pa.types.is_dictionary(field.type):
                values = values.cast(field.type.value_type)
            if pa.types.is_decimal(field.type):
                values = values.cast(pa.string()).cast(pa.float64())
            if as_text and (pa.types.is_nested(values.type) or pa.types.is_binary(values.type)):
                texts = [None if value is None else json.dumps(value, default=str) for value in values.to_pylist()]
                values = pa.array(texts, pa.string())
            rows = rows.append_column(field.name, values)
    return rows


def written(table: Table, beside: pa.Table | None, *, kind: str) -> bytes:
    """The table as csv or parquet, with other columns next to it."""
    if beside is None:
        return WRITERS[kind](table)
    sink = BytesIO()
    if kind == "csv":
        pa.csv.write_csv(with_beside(csv_columns(table), beside, as_text=True), sink)
    else:
        pa.parquet.write_table(with_beside(flat(table), beside, as_text=False), sink, compression="zstd")
    return sink.getvalue()


def to_parquet(table: Table) -> bytes:
    """Parquet with the flat columns."""
    sink = BytesIO()
    pa.parquet.write_table(flat(table), sink, compression="zstd")
    return sink.getvalue()


def to_json(table: Table) -> bytes:
    """A list of rows; what is missing is null."""
    return json.dumps(flat(table).to_pylist(), indent=1, allow_nan=False, ensure_ascii=False).encode()


def to_cif(table: Table) -> bytes:
    """One CIF with a data block a row, named by its id.

    Raises:
        TableError: if the rows have no cells.
    """
    return b"\n".join(content for _, content in cif_files(table))


def cif_files(table: Table) -> Iterator[tuple[str, bytes]]:
    """File name and content for every row; the name is the id, with what no file name may hold escaped.

    Ids that are too long for a file name are cut, and end with a digest.

    Raises:
        TableError: if the rows have no cells.
    """
    from pymatgen.io.cif import CifWriter  # noqa: PLC0415  (slow import)

    crystals = getattr(table, "crystals", None)
    if crystals is None:
        raise TableError(f"these {type(table).__name__} have no cells to write as CIF")
    for index, name in enumerate(table.ids.tolist()):
        cif = str(CifWriter(crystals.structure(index), significant_figures=CIF_DIGITS))
        _, _, body = cif[cif.index("data_") :].partition("\n")
        yield f"{_file_stem(name)}.cif", f"data_{'_'.join(name.split())}\n{body}".encode()


def _file_stem(name: str) -> str:
    stem = quote(name, safe="")
    return stem if len(stem) <= LONGEST_STEM else f"{stem[:LONGEST_STEM]}-{sha256(name.encode()).hexdigest()[:16]}"


WRITERS: Final[dict[str, Callable[[Table], bytes]]] = {
    "csv": to_csv,
    "parquet": to_parquet,
    "json": to_json,
    "cif": to_cif,
}
"""Format to the function that renders a table as one file."""
