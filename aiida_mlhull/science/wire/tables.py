"""Tables as parquet: one codec for every noun, driven by the dataclass's own fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.types import Crystals, Table

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
    """
    packed, properties = to_arrow(noun, content, name)
    return from_arrow(noun, packed, properties, name)


def from_arrow(noun: type[T], packed: pa.Table, properties: dict[str, Any], name: str) -> T:
    """The table behind Arrow's columns, see :func:`decode_table`."""
    values: dict[str, Any] = {}
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
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        yield file, _properties(noun, file, name)
    except (pa.ArrowInvalid, OSError) as error:
        raise WireError(f"{name} is not a readable parquet file ({error}); is it truncated?") from error


def _properties(noun: type[Table], file: pq.ParquetFile, name: str) -> dict[str, Any]:
    try:
        header = json.loads((file.schema_arrow.metadata or {})[KEY])
    except (KeyError, ValueError) as error:
        raise WireError(f"{name} is a parquet file, but none of ours: it has no mlhull header") from error
    if header["noun"] != noun.__name__:
        raise WireError(f"{name} holds {header['noun']}, expected {noun.__name__}")
    if header["version"] != VERSION:
        raise WireError(f"{name} has format version {header['version']}, this package reads {VERSION}")
    properties: dict[str, Any] = header["properties"]
    return properties


def _encode_array(array: NDArray[Any]) -> pa.Array:
    if array.ndim == 1:
        return pa.array(array.tolist(), pa.string()) if array.dtype.kind == "U" else pa.array(array)
    flat = pa.array(np.ascontiguousarray(array).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, array.shape[1])


def decode_column(column: pa.ChunkedArray) -> NDArray[Any]:
    """An array of text or numbers, or of fixed-size lists of them."""
    if pa.types.is_fixed_size_list(column.type):
        return numbers_of(column.combine_chunks().flatten()).reshape(len(column), column.type.list_size)
    if pa.types.is_string(column.type):
        return np.asarray(column.to_pylist(), dtype=np.str_)
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


def _decode_crystals(prefix: str, packed: pa.Table) -> Crystals:
    numbers = packed.column(f"{prefix}.numbers").combine_chunks()
    counts = numbers_of(numbers.value_lengths()).astype(np.int64)
    coordinates = numbers_of(packed.column(f"{prefix}.frac_coords").combine_chunks().flatten())
    cells = numbers_of(packed.column(f"{prefix}.lattice").combine_chunks().flatten())
    return Crystals(
        lattices=cells.reshape(-1, 3, 3),
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        numbers=numbers_of(numbers.flatten()),
        frac_coords=coordinates.reshape(-1, 3),
    )
