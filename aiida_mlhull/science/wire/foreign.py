"""Foreign files: what they may raise, how large they may be, and whether what they hold is of the kind that a noun declares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import Field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aiida_mlhull.science.errors import MlhullError, OutOfMemoryError, WireError
from aiida_mlhull.science.types import Crystals

BROKEN: Final = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading raises where JSON or a column is not what it should be, deep nesting and numbers beyond all bounds included."""

LARGEST: Final = 1 << 32
"""Bytes of a table in memory, and of one of its columns of text: some kilobytes of parquet can claim any number of rows."""
BYTES_OF_A_VALUE: Final = 8
BYTES_OF_A_CHARACTER: Final = 4
"""In NumPy's text, every row of which is as long as the longest one."""

MATRICES: Final = frozenset({"members", "member_aleatoric", "further_energies"})
"""Columns of the nouns with several numbers in a row."""
COLUMNS: Final = {"Strings": "U", "Booleans": "b", "Floats": "fiu"}
"""Annotation of a column to NumPy's kinds of arrays that fit it; whole numbers are energies, too."""
PROPERTIES: Final[dict[str, type[Any]]] = {"str": str, "int": int, "dict": dict}


@contextmanager
def told_apart(name: str, what: str) -> Iterator[None]:
    """Turn what reading a foreign file raises into one of the package's errors.

    Args:
        name: of the file, for the message.
        what: it should be, for the message.

    Raises:
        WireError: if it is not.
        OutOfMemoryError: if there is not the memory that it takes.
    """
    try:
        yield
    except MlhullError:
        raise
    except MemoryError as error:
        raise OutOfMemoryError(f"{name} takes more memory than there is ({error}); is it broken?") from error
    except (pa.ArrowException, OSError, *BROKEN) as error:
        raise WireError(f"{name} is not {what} ({error}); is it truncated?") from error


def check_size(file: pq.ParquetFile, name: str) -> None:
    """Refuse tables that no campaign has, before anything of them is unpacked.

    Raises:
        WireError: if it is to hold more than :data:`LARGEST`.
    """
    about = file.metadata
    claimed = about.num_rows * BYTES_OF_A_VALUE
    for group in range(about.num_row_groups):
        parts = [about.row_group(group).column(place) for place in range(about.num_columns)]
        claimed += sum(max(part.total_uncompressed_size, part.num_values * BYTES_OF_A_VALUE) for part in parts)
    refuse_too_large(claimed, name)


def refuse_too_large(claimed: int, name: str) -> None:
    """Refuse what takes more than :data:`LARGEST` bytes in memory.

    Raises:
        WireError: if it does.
    """
    if claimed > LARGEST:
        raise WireError(f"{name} would take {claimed >> 20:,} MiB of memory, more than any table of a campaign")


def check_kind(field: Field[Any], value: Any, name: str) -> None:
    """Refuse a column or property of another type than its noun declares.

    Raises:
        WireError: if it is of another type.
    """
    annotation, _, optional = str(field.type).partition(" | ")
    if value is None and optional:
        return
    if annotation in COLUMNS:
        dimensions = 2 if field.name in MATRICES else 1
        fits = isinstance(value, np.ndarray) and value.dtype.kind in COLUMNS[annotation] and value.ndim == dimensions
    elif annotation == Crystals.__name__:
        fits = isinstance(value, Crystals)
    else:
        kind = PROPERTIES[annotation.partition("[")[0]]
        fits = isinstance(value, kind) and not isinstance(value, bool)
    if not fits:
        found = (
            f"array of {value.dtype}, {value.ndim}-dimensional" if isinstance(value, np.ndarray) else repr(value)[:80]
        )
        raise WireError(f"{name}: {field.name!r} is of another type than it should be ({found})")
