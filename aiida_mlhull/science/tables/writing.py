"""Shards of candidates written to one table as they come, so that memory doesn't grow with their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from aiida_mlhull.science.errors import InputError, WireError
from aiida_mlhull.science.tables.export import csv_columns, flat
from aiida_mlhull.science.types import Candidates

WRITABLE: Final = (".parquet", ".csv")
PARTIAL: Final = ".partial"
"""Suffix of a file that is still being written; an interrupted run leaves no table that looks whole."""


@dataclass(frozen=True, eq=False)
class Shard:
    """What came of a number of draws.

    Attributes:
        candidates: the rows.
        left_out: draws that came to nothing, by reason.
    """

    candidates: Candidates
    left_out: Counter[str]

    @property
    def drawn(self) -> int:
        """Draws, whatever came of them."""
        return len(self.candidates) + self.left_out.total()


@dataclass(frozen=True)
class Written:
    """What became of all draws.

    Attributes:
        candidates: rows of the table.
        left_out: draws that came to nothing, by reason.
    """

    candidates: int
    left_out: Counter[str]

    @property
    def drawn(self) -> int:
        """Draws, whatever came of them."""
        return self.candidates + self.left_out.total()


def write_shards(shards: Iterable[Shard], path: Path, *, progress: Callable[[Shard], None] = lambda _: None) -> Written:
    """Write shards to a parquet or csv file with the columns of every export.

    Args:
        shards: of one generator; rows stand in the order in which they come.
        path: by its suffix, see :data:`WRITABLE`.
        progress: told of every shard that was written.

    Raises:
        WireError: if nothing is written with this suffix, or there is no such folder.
        InputError: if all shards are empty, saying what became of the draws; then there is no file.
    """
    if path.suffix not in WRITABLE:
        raise WireError(f"{path.name}: tables are written as {' or '.join(WRITABLE)}")
    if not path.absolute().parent.is_dir():
        raise WireError(f"there is no folder {path.absolute().parent}")
    partial = path.with_name(path.name + PARTIAL)
    written, left_out = 0, Counter[str]()
    writer: Any = None
    try:
        for shard in shards:
            left_out += shard.left_out
            if len(shard.candidates):
                rows = flat(shard.candidates) if path.suffix == ".parquet" else csv_columns(shard.candidates)
                writer = writer or _writer(partial, path.suffix, rows.schema)
                writer.write_table(rows)
                written += len(shard.candidates)
            progress(shard)
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.most_common())
        raise InputError(f"no candidate came of {left_out.total()} draws: {reasons or 'nothing was drawn'}")
    partial.replace(path)
    return Written(written, left_out)


def _writer(path: Path, suffix: str, schema: pa.Schema) -> Any:
    if suffix == ".parquet":
        return pa.parquet.ParquetWriter(path, schema, compression="zstd")
    return pa.csv.CSVWriter(path, schema)
