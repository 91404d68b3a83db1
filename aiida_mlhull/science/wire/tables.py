"""Tables as parquet: one codec for every noun, driven by the dataclass's own fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.types import Crystals, Table
from aiida_mlhull.science.wire.foreign import (
    BROKEN,
    BYTES_OF_A_CHARACTER,
    check_kind,
    check_size,
    refuse_too_large,
    told_apart,
)

T = TypeVar("T", bound=Table)

VERSION: Final = 1
KEY: Final = b"mlhull"
CELL_NUMBERS: Final = 9
COMPRESSION_LEVEL: Final = 6
GROUP_ROWS: Final = 10_000
"""Rows that are written, and can be read, without the others."""
_DTYPES: Final = {
    "bool": np.dtype(np.bool_),
    "float": np.dtype(np.float32),
    "double": np.dtype(np.float64),
    **{f"{sign}int{bits}": np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


def encode_table(table: Table) -> bytes:
    """Parquet bytes of ``table``; equal tables give equal bytes."""
    columns: dict[str, pa.Array] = {}
    properties: dict[str, Any] = {}
    for field in fields(table):
        value = getattr(table, field.name)
        if isinstance(value, Crystals):
            columns |= _encode_crystals(field.name, value)
        elif isinstance(value, np.ndarray):
            columns[field.name] = _encode_array(value)
        else:
            properties[field.name] = value
    header = {"noun": type(table).__name__, "version": VERSION, "properties": properties}
    packed = pa.table(columns).replace_schema_metadata({KEY: json.dumps(header, sort_keys=True).encode()})
    sink = pa.BufferOutputStream()
    pq.write_table(packed, sink, row_group_size=GROUP_ROWS, compression="zstd", compression_level=COMPRESSION_LEVEL)
    return bytes(sink.getvalue())


def decode_table(noun: type[T], content: bytes, *, name: str = "table") -> T:
    """The table behind parquet bytes.

    Args:
        noun: the kind of table that is expected.
        content: the bytes.
        name: how to call them in an error.

    Raises:
        WireError: if they are not a parquet file, hold another noun, or are of another version.
        TableError: if the rows don't make a valid table.
        OutOfMemoryError: if there is not the memory that they take.
    """
    packed, properties = to_arrow(noun, content, name)
    return from_arrow(noun, packed, properties, name)


def from_arrow(noun: type[T], packed: pa.Table, properties: dict[str, Any], name: str) -> T:
    """The table behind Arrow's columns, see :func:`decode_table`."""
    values: dict[str, Any] = {}
    with told_apart(name, f"a table of {noun.__name__}"):
        for field in fields(noun):
            if f"{field.name}.lattice" in packed.column_names:
                values[field.name] = _decode_crystals(field.name, packed)
            elif field.name in packed.column_names:
                values[field.name] = decode_column(packed.column(field.name))
            elif field.name in properties:
                values[field.name] = properties[field.name]
            elif field.default is None:  # an optional column that the noun did not have yet
                values[field.name] = field.default
            else:
                raise WireError(f"{name}: column {field.name!r} of {noun.__name__} is missing")
            check_kind(field, values[field.name], name)
        return noun(**values)


def to_arrow(
    noun: type[Table], content: bytes, name: str, *, columns: Sequence[str] | None = None
) -> tuple[pa.Table, dict[str, Any]]:
    """Arrow's columns behind parquet bytes, all or some of them, and the properties of the table.

    Raises:
        WireError: see :func:`decode_table`; also if a column is missing that is asked for.
    """
    with opened(noun, content, name) as (file, properties):
        missing = [column for column in columns or () if column not in file.schema_arrow.names]
        if missing:
            raise WireError(f"{name}: column {missing[0]!r} of {noun.__name__} is missing")
        return file.read(columns=columns), properties


@contextmanager
def opened(noun: type[Table], content: bytes, name: str) -> Iterator[tuple[pq.ParquetFile, dict[str, Any]]]:
    """The file behind parquet bytes, nothing of it read yet, and the properties of the table.

    Raises:
        WireError: see :func:`decode_table`.
        OutOfMemoryError: likewise.
    """
    with told_apart(name, "a readable parquet file"):
        file = pq.ParquetFile(pa.BufferReader(content))
        properties = _properties(noun, file.schema_arrow.metadata, name)
        check_size(file, name)
        yield file, properties


def _properties(noun: type[Table], metadata: dict[bytes, bytes] | None, name: str) -> dict[str, Any]:
    """What the header says holds for the whole table."""
    try:
        header = json.loads((metadata or {})[KEY])
        held, version, properties = header["noun"], header["version"], dict(header["properties"])
    except BROKEN as error:
        raise WireError(f"{name} is a parquet file, but none of ours: it has no mlhull header") from error
    if held != noun.__name__:
        raise WireError(f"{name} holds {held}, expected {noun.__name__}")
    if version != VERSION:
        raise WireError(f"{name} has format version {version}, this package reads {VERSION}")
    return properties


def _encode_array(array: NDArray[Any]) -> pa.Array:
    if array.ndim == 1:
        return pa.array(array.tolist(), pa.string()) if array.dtype.kind == "U" else pa.array(array)
    flat = pa.array(np.ascontiguousarray(array).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, array.shape[1])


def decode_column(column: pa.ChunkedArray) -> NDArray[Any]:
    """An array of text or numbers, or of fixed-size lists of them.

    Raises:
        WireError: if they are something else, a text or a list is missing, or texts take too much memory.
    """
    if pa.types.is_fixed_size_list(column.type):
        return numbers_of(_within(column)).reshape(len(column), column.type.list_size)
    if pa.types.is_string(column.type):
        if column.null_count:
            raise WireError(f"{column.null_count} texts of a column are missing")
        if pc.any(pc.match_substring(column, "\0")).as_py():
            raise WireError("texts with zero bytes, which no database keeps")
        longest = pc.max(pc.binary_length(column)).as_py() or 0
        refuse_too_large(longest * len(column) * BYTES_OF_A_CHARACTER, "a column of text")
        return np.asarray(column.to_pylist(), dtype=np.str_)
    if str(column.type) not in _DTYPES:
        raise WireError(f"a column of {column.type}")
    return numbers_of(column.combine_chunks())


def numbers_of(array: pa.Array) -> NDArray[Any]:
    """A copy of Arrow's numbers or booleans; Arrow's own way to NumPy imports pandas, which takes longer than a table."""
    dtype = _DTYPES.get(str(array.type))
    if dtype is None or array.null_count:
        return np.array(array.to_numpy(zero_copy_only=False))
    content = array.buffers()[1] or b""
    first, last = array.offset, array.offset + len(array)
    if dtype == np.bool_:
        return np.unpackbits(np.frombuffer(content, dtype=np.uint8), bitorder="little")[first:last].astype(np.bool_)
    return np.frombuffer(content, dtype=dtype)[first:last].copy()


def texts_of(values: Sequence[str]) -> pa.Array:
    """Arrow's text, made without pandas, too."""
    encoded = [value.encode() for value in values]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(encoded), [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(b"".join(encoded))]
    )


def indices_of(rows: NDArray[np.int64]) -> pa.Array:
    """Arrow's row numbers, made without pandas, too."""
    return pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(rows.astype(np.int64).tobytes())])


def _encode_crystals(prefix: str, crystals: Crystals) -> dict[str, pa.Array]:
    cells = pa.array(crystals.lattices.ravel())
    site_offsets = pa.array(crystals.offsets, pa.int32())
    coordinate_offsets = pa.array(3 * crystals.offsets, pa.int32())
    return {
        f"{prefix}.lattice": pa.FixedSizeListArray.from_arrays(cells, CELL_NUMBERS),
        f"{prefix}.numbers": pa.ListArray.from_arrays(site_offsets, pa.array(crystals.numbers)),
        f"{prefix}.frac_coords": pa.ListArray.from_arrays(coordinate_offsets, pa.array(crystals.frac_coords.ravel())),
    }


def _within(column: pa.ChunkedArray) -> pa.Array:
    """The numbers in a column's lists, one after the other."""
    lists = column.combine_chunks()
    flat = lists.flatten()
    if lists.null_count or flat.null_count:
        raise WireError("lists of a column, or numbers in them, are missing")
    return flat


def _decode_crystals(prefix: str, packed: pa.Table) -> Crystals:
    cells, numbers, coordinates = (packed.column(f"{prefix}.{part}") for part in ("lattice", "numbers", "frac_coords"))
    atoms = numbers_of(_within(numbers).cast(pa.int16()))
    counts = numbers_of(pc.list_value_length(numbers).combine_chunks()).astype(np.int64)
    if (numbers_of(pc.list_value_length(coordinates).combine_chunks()) != 3 * counts).any():
        raise WireError("crystals whose sites don't have three coordinates each")
    return Crystals(
        lattices=_floats(cells).reshape(-1, 3, 3),
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        numbers=atoms,
        frac_coords=_floats(coordinates).reshape(-1, 3),
    )


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return numbers_of(_within(column).cast(pa.float64()))
