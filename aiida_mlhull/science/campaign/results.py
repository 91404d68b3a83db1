"""Results of a stage that don't come from a calculation: records, failures, portions, what is on the hull."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.types import Candidates, Decisions, Labels
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.table import slices


def recorded(record: Labels, chosen: Decisions, stage: StageSettings) -> Labels:
    """The record's rows for the chosen ids, at the stage's nominal cost if the record has none.

    Raises:
        TableError: if the record lacks a chosen id.
    """
    rows = record.select(chosen.ids[chosen.keep])
    if stage.core_minutes is None:
        return replace(rows, stage=stage.name)
    cost = np.full(len(rows), stage.core_minutes)
    return replace(rows, stage=stage.name, core_minutes=cost, cost_basis="nominal")


def failed(cells: Candidates | Labels, chosen: Decisions, stage: StageSettings, *, reason: str, scheme: str) -> Labels:
    """A row with ``reason`` for every chosen candidate: the job that had them gave nothing.

    Raises:
        TableError: if the candidates have no cells.
    """
    rows = cells.select(chosen.ids[chosen.keep])
    if rows.crystals is None:
        raise TableError("these candidates have no cells")
    return Labels(
        ids=rows.ids,
        formulas=rows.formulas,
        energies=np.full(len(rows), np.nan),
        crystals=rows.crystals,
        failures=np.full(len(rows), reason),
        core_minutes=np.zeros(len(rows)),
        stage=stage.name,
        engine=stage.engine,
        scheme=scheme,
    )


def portions(chosen: Decisions, *, size: int) -> Iterator[Decisions]:
    """The chosen rows, ``size`` at a time."""
    rows = np.flatnonzero(chosen.keep)
    for part in slices(len(rows), size=size):
        yield chosen.take(rows[part])


def on_hull(outcomes: Decisions, results: Labels) -> Labels:
    """The results that the outcome puts on the hull."""
    return results.select(outcomes.ids[outcomes.reasons == Reason.ON_HULL])
