"""Cells for candidates that were chosen as labels: made after the decision, for those that were kept alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aiida_mlhull.science.errors import CrystalError, TableError
from aiida_mlhull.science.generators.cells import build_cell
from aiida_mlhull.science.types import Candidates, Crystals, Decisions
from aiida_mlhull.science.types.reasons import Reason, with_detail


@dataclass(frozen=True, eq=False)
class MadeCells:
    """What came of it.

    Attributes:
        cells: the chosen candidates that have a cell now, under their ids; None if none has.
        chosen: the decisions about the shard; rows whose cell couldn't be made are dropped, with the reason.
    """

    cells: Candidates | None
    chosen: Decisions


def make_cells(candidates: Candidates, chosen: Decisions, *, seed: int) -> MadeCells:
    """A cell for every chosen candidate: a known prototype's coordinates at a predicted volume, else a drawn cell.

    Args:
        candidates: a shard of labels without cells.
        chosen: decisions about rows of it; those that it keeps get cells.
        seed: of what is drawn; a label gets the same cell whatever else is chosen beside it.

    Raises:
        TableError: if the candidates have cells.
    """
    if candidates.crystals is not None:
        raise TableError("these candidates have cells: none are to be made")
    asked = candidates.select(chosen.ids[chosen.keep])
    built: list[Crystals] = []
    why: dict[str, str] = {}
    for name, label in zip(asked.ids.tolist(), asked.protostructures.tolist(), strict=True):
        try:
            built.append(build_cell(label, seed=seed))
        except CrystalError as error:
            why[name] = with_detail(Reason.CELL_NOT_MADE, str(error))
    have = asked.without(list(why))
    cells = replace(have, crystals=Crystals.concatenate(built)) if built else None
    return MadeCells(cells, _dropped(chosen, why))


def without_cells_not_made(pool: Decisions, chosen: Decisions) -> Decisions:
    """The pool without the candidates whose cells couldn't be made, which are not chosen a second time.

    Args:
        pool: which candidates may enter the stage.
        chosen: of :func:`make_cells`.
    """
    failed = chosen.take(np.char.startswith(chosen.reasons, Reason.CELL_NOT_MADE.value) & ~chosen.keep)
    return _dropped(pool, dict(zip(failed.ids.tolist(), failed.reasons.tolist(), strict=True)))


def _dropped(decided: Decisions, why: dict[str, str]) -> Decisions:
    """The decisions with these rows dropped."""
    if not why:
        return decided
    rows = decided.positions(list(why))
    keep, reasons = decided.keep.copy(), decided.reasons.astype(object)
    keep[rows], reasons[rows] = False, list(why.values())
    return replace(decided, keep=keep, reasons=reasons.astype(np.str_))
