"""ColumnArrays packed for a browser: numbers as they lie in memory, words as codes, everything compressed at once.

A packed set of columns is gzip of ``MLHULL01``, the length of a JSON header (32 bits, little-endian), the header, and
the bytes of all columns, each from a multiple of eight on. The header names every column with its kind:

* ``f4``, ``i4``, ``u2``, ``u1``: numbers, NaN where one is missing;
* ``words``: codes into a list of different words (``u2`` or ``i4``);
* ``text``: UTF-8 of all rows on end, and where each row ends.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.errors import TableError

MAGIC: Final = b"MLHULL01"
ALIGNED: Final = 8
LEVEL: Final = 6
"""Of gzip; 9 takes twice the time for one percent."""

MOST_SHORT: Final = 2**16
MANY_WORDS: Final = 0.5
"""Where more than this share of the rows differ, a column of strings is kept as text."""


def packed(columns: Mapping[str, NDArray[Any]], *, meta: Mapping[str, Any] | None = None) -> str:
    """ColumnArrays as base64, to be put into a page.

    Args:
        columns: name to values; floats are kept to 32 bits, strings as words where they repeat.
        meta: anything else that JSON can say, for the header.

    Raises:
        TableError: if a column is of a kind that can't be packed.
    """
    header: dict[str, Any] = {"columns": {}, **(meta or {})}
    pieces: list[bytes] = []
    size = 0
    for name, values in columns.items():
        entry, arrays = _column(name, np.asarray(values))
        for key, array in arrays.items():
            size += -size % ALIGNED
            content = np.ascontiguousarray(array).tobytes()
            entry[key] = {"at": size, "n": int(array.size), "type": _type(array)}
            pieces.append(content + bytes(-len(content) % ALIGNED))
            size += len(pieces[-1])
        header["columns"][name] = entry
    head = json.dumps(header, allow_nan=False, ensure_ascii=False).encode()
    head += b" " * (-(len(MAGIC) + 4 + len(head)) % ALIGNED)
    whole = b"".join([MAGIC, np.uint32(len(head)).tobytes(), head, *pieces])
    return b64encode(gzip.compress(whole, LEVEL, mtime=0)).decode()


def _column(name: str, values: NDArray[Any]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    kind = values.dtype.kind
    if kind in "OU":
        return _strings(values.astype(np.str_))
    if kind == "f":
        return {"kind": "number"}, {"values": values.astype("<f4")}
    if kind == "b":
        return {"kind": "number"}, {"values": values.astype("u1")}
    if kind in "iu":
        return {"kind": "number"}, {"values": _narrow(values)}
    raise TableError(f"column {name} of kind {values.dtype} can't be packed")


def _strings(values: NDArray[np.str_]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    words, codes = np.unique(values, return_inverse=True)
    if len(words) <= max(MANY_WORDS * len(values), 1):
        return {"kind": "words", "words": words.tolist()}, {"codes": _narrow(codes.astype(np.int64))}
    texts = [text.encode() for text in values.tolist()]
    ends = np.cumsum([len(text) for text in texts]).astype("<i4")
    return {"kind": "text"}, {"ends": ends, "bytes": np.frombuffer(b"".join(texts), dtype="u1")}


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Integers in as few bits as hold them; those that need more than 32 are refused."""
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if not -(2**31) <= low <= high < 2**31:
        raise TableError(f"integers from {low} to {high} don't fit into 32 bits")
    if low < 0 or high >= MOST_SHORT:
        return values.astype("<i4")
    return values.astype("u1" if high < 2**8 else "<u2")


def _type(array: NDArray[Any]) -> str:
    return array.dtype.str.lstrip("<|=")
