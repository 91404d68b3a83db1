"""The contract of every source: portions of candidates, and what can't be used of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from aiida_mlhull.science.reading.sieve import LeftOut, Sieve, catch_broken_cells, spread
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Candidates, Crystals
from aiida_mlhull.science.types.crystals import Integers
from aiida_mlhull.science.types.reasons import Reason

if TYPE_CHECKING:
    from pymatgen.core import Structure

ColumnKind = Literal["number", "text"]
"""What a column beside the cells holds; lists and mappings are text, as JSON."""


@dataclass(frozen=True)
class Row:
    """One entry of a source.

    Attributes:
        identifier: its id there.
        structure: ordered and periodic in three directions; None if the entry is refused.
        refused: code of the reason, see :class:`Reason`; empty if it is not.
        detail: what is to be said of it.
        values: columns that are kept beside the cell.
    """

    identifier: str
    structure: Structure | None
    refused: str = ""
    detail: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Portion:
    """What a source gives at one time.

    Attributes:
        candidates: sound ones, labels determined; None if there are none.
        left_out: the others, with reasons.
        values: column to values by candidate, in the order of ids.
        total: entries that the source has in all, as far as it says.
        remarks: what is to be said of the source as a whole.
        beside: columns of a file that go along as they are, in the order of ids; None if there are none.
        missing: entries that the source announced but didn't send, known with the last portion.
        skipped: entries, at most, on a page that could not be had.
    """

    candidates: Candidates | None
    left_out: LeftOut
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    total: int | None = None
    remarks: tuple[str, ...] = ()
    missing: int = 0
    skipped: int = 0

    beside: pa.Table | None = None

    def __len__(self) -> int:
        return len(self.left_out) + (0 if self.candidates is None else len(self.candidates))


class Source(ABC):
    """Somewhere that candidates are.

    Attributes:
        name: of the source in origins and messages.
    """

    name: str
    waits: ClassVar[bool] = False
    """Whether portions come over a network, one after the other."""

    @abstractmethod
    def portions(self, journal: Path) -> Iterator[Portion]:
        """All that the source has.

        Args:
            journal: file to keep what has come so far, for sources that may be interrupted.

        Raises:
            InputError: if the source can't make anything of what it is asked.
            WireError: if it can't be reached or read.
        """

    def columns(self, journal: Path) -> dict[str, ColumnKind]:  # noqa: ARG002  (others have to ask)
        """Columns that are kept beside the cells; called after the first portion has come."""
        return {}


def sift(source: str, rows: Sequence[Row], *, columns: Sequence[str] = (), total: int | None = None) -> Portion:
    """Check the rows as crystals from any file are checked, and label the sound ones.

    Args:
        source: name of the source, in origins.
        rows: with unique ids.
        columns: of their values, those that are kept.
        total: of the source.
    """
    ids = np.asarray([row.identifier for row in rows], dtype=np.str_)
    formulas = [row.structure.composition.reduced_formula if row.structure is not None else "" for row in rows]
    sieve = Sieve(source, ids, np.asarray(formulas, dtype=np.str_), expendable=np.ones(len(ids), dtype=bool))
    refused = np.asarray([row.refused for row in rows], dtype=np.str_)
    details = np.asarray([row.detail for row in rows], dtype=np.str_)
    for reason in sorted(set(refused.tolist()) - {""}):
        sieve.let_go(refused == reason, reason=reason, details=details)
    structures = [row.structure for row in rows if row.structure is not None]
    if not structures:
        return Portion(None, sieve.report(), total=total)
    there = np.asarray([row.structure is not None for row in rows])
    cells = spread(Crystals.from_structures(structures), there)
    catch_broken_cells(sieve, cells)
    good = np.flatnonzero(sieve.good)
    if not len(good):
        return Portion(None, sieve.report(), total=total)
    candidates = _candidates(source, ids[good].tolist(), cells.take(good))
    order = good[np.argsort(ids[good], kind="stable")].tolist()
    values = {name: [rows[row].values.get(name) for row in order] for name in columns}
    return Portion(candidates, sieve.report(), values, total)


def _candidates(source: str, ids: Sequence[str], cells: Crystals) -> Candidates:
    return Candidates.from_rows(
        ids=list(ids),
        formulas=cells.reduced_formulas(),
        crystals=cells,
        protostructures=protostructures(cells),
        origins=[f"{source} {name}" for name in ids],
        source=source,
    )


def without(portion: Portion, repeated: Integers) -> Portion:
    """The portion without candidates at these positions, which are then left out as repeated."""
    if not len(repeated) or portion.candidates is None:
        return portion
    gone = portion.candidates.take(repeated)
    stays = np.setdiff1d(np.arange(len(portion.candidates)), repeated)
    left_out = LeftOut.from_rows(
        ids=np.concatenate([portion.left_out.ids, gone.ids]),
        formulas=np.concatenate([portion.left_out.formulas, gone.formulas]),
        reasons=np.concatenate([portion.left_out.reasons, np.full(len(gone), Reason.REPEATED)]),
        details=np.concatenate([portion.left_out.details, np.full(len(gone), "")]),
    )
    return Portion(
        portion.candidates.take(stays) if len(stays) else None,
        left_out,
        {name: [column[row] for row in stays.tolist()] for name, column in portion.values.items()},
        portion.total,
        portion.remarks,
        beside=None if portion.beside is None else portion.beside.take(pa.array(stays)),
    )
