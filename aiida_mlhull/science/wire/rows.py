"""One row out of a large table, without decoding the others."""

from __future__ import annotations

from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.types import Table
from aiida_mlhull.science.wire.tables import decode_table

T = TypeVar("T", bound=Table)


def decode_row(noun: type[T], content: bytes, identifier: str, *, name: str = "table") -> T | None:
    """The row of one id, as a table of its own; None if it is not there.

    A table of 10,000 rows is searched in some milliseconds: ids are compared by Arrow, and only the row
    that is found becomes Python objects.

    Args:
        noun: the kind of table that is expected.
        content: parquet bytes of :func:`~aiida_mlhull.science.wire.tables.encode_table`.
        identifier: the id.
        name: how to call the bytes in an error.

    Raises:
        WireError: if the bytes are not a table of this kind.
    """
    try:
        found = pq.read_table(pa.BufferReader(content), filters=[("ids", "=", identifier)])
    except (pa.ArrowInvalid, OSError) as error:
        raise WireError(f"{name} is not a readable parquet file ({error}); is it truncated?") from error
    if found.num_rows == 0:
        return None
    sink = pa.BufferOutputStream()
    pq.write_table(found, sink)
    return decode_table(noun, bytes(sink.getvalue()), name=name)
