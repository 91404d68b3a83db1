"""Tables of candidates that are labels and no cells: an id and a protostructure a row, ``AB_cF8_225_a_b:Mg-O``."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.reading.columns import TABLE_SUFFIXES, Columns, names_in
from aiida_mlhull.science.reading.sieve import BadRows, LeftOut, Sieve
from aiida_mlhull.science.reading.table_files import (
    FORMULA_COLUMNS,
    ID_COLUMNS,
    ORIGIN_COLUMN,
    catch_stated,
    cell_columns,
    columns_beside,
)
from aiida_mlhull.science.representations.boxes import boxes_of_formulas
from aiida_mlhull.science.representations.protostructure import formula_of
from aiida_mlhull.science.types import Candidates
from aiida_mlhull.science.types.reasons import Reason

LABEL_COLUMN: Final = "protostructure"


class LabelRows(NamedTuple):
    """What such a table holds.

    Attributes:
        candidates: the sound rows, without cells.
        left_out: the others.
        beside: the sound rows' other columns, in the order of the candidates; None where there are none.
    """

    candidates: Candidates
    left_out: LeftOut
    beside: pa.Table | None


def labels_alone(path: Path) -> Columns | None:
    """The table at ``path``, if it has labels and no cells.

    Raises:
        WireError: if it is a table that can't be read.
    """
    if path.suffix.lower() not in TABLE_SUFFIXES or not path.exists():
        return None
    names = set(names_in(path))
    cells = {*cell_columns(""), *cell_columns("_unrelaxed"), *cell_columns("_relaxed")}
    return Columns.read(path) if LABEL_COLUMN in names and not cells & names else None


def read_labels(columns: Columns, *, bad_rows: BadRows) -> LabelRows:
    """Candidates of a table of labels; the composition is the label's.

    Raises:
        TableError: on ids that are missing or come twice, and formulas that are not the label's, unless such rows may
            be left out.
        CrystalError: on labels that can't be read, likewise.
        InputError: if no row can be used.
    """
    ids = columns.texts(columns.first_of(ID_COLUMNS, what="ids"))
    labels = columns.texts(LABEL_COLUMN)
    stated = [name for name in FORMULA_COLUMNS if name in columns]
    said = columns.texts(stated[0]) if stated else np.full(len(ids), "")
    sieve = Sieve(columns.name, ids, said, expendable=np.full(len(ids), bad_rows == "leave_out"))
    formulas, faults = np.full(len(ids), "", dtype=object), np.full(len(ids), "", dtype=object)
    for row, label in enumerate(labels.tolist()):
        try:
            formulas[row] = formula_of(label)
        except CrystalError as error:
            faults[row] = str(error)
    sieve.catch(
        faults != "",
        reason=Reason.UNREADABLE,
        what="protostructure labels that can't be read",
        error=CrystalError,
        details=faults.astype(np.str_),
    )
    for name in stated:
        catch_stated(sieve, name, columns.texts(name), formulas.astype(np.str_))
    left_out = sieve.left_out()
    good = np.flatnonzero(sieve.good)
    origins = columns.texts(ORIGIN_COLUMN) if ORIGIN_COLUMN in columns else np.full(len(ids), "")
    candidates = Candidates.from_rows(
        ids=ids[good],
        formulas=boxes_of_formulas(formulas[good].tolist()).reduced_formulas(),
        crystals=None,
        protostructures=labels[good],
        origins=np.asarray([origins[row] or f"{columns.name} row {row + 1}" for row in good.tolist()], dtype=np.str_),
        source=columns.name,
    )
    names, _ = columns_beside(columns.table.schema)
    order = good[np.argsort(ids[good], kind="stable")]
    return LabelRows(candidates, left_out, columns.table.select(names).take(pa.array(order)) if names else None)
