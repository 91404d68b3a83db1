"""Results of a stage that don't come from a calculation: records, failures, portions, what is on the hull."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np

from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.ensembles.rows import elemental_mixtures
from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.hull import with_results
from aiida_mlhull.science.types import Candidates, Decisions, Labels, References, concatenate
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason, code_of
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


def taken_over(candidates: Candidates, tables: Sequence[Labels], *, retry: Collection[str]) -> Labels | None:
    """An earlier campaign's results of one stage for the candidates of a shard.

    Args:
        candidates: the shard.
        tables: results of the stage; of candidates with several rows the last one counts.
        retry: codes of reasons of failure that don't count, because another try may end better.

    Returns:
        None if there are none.
    """
    kept: list[Labels] = []
    for table in reversed(tables):
        lost = np.array([code_of(reason) in retry for reason in table.failures.tolist()], dtype=bool)
        rows: Labels = table.take(candidates.has(table.ids) & ~lost)
        for newer in kept:
            rows = rows.without(newer.ids)
        kept.append(rows)
    filled = [rows for rows in kept if len(rows)]
    return concatenate(filled) if filled else None


def results_of(chosen: Decisions, tables: Sequence[Labels]) -> Labels | None:
    """The results of the candidates that decisions keep; None if there are none."""
    wanted = chosen.ids[chosen.keep]
    filled = [rows for table in tables if len(rows := table.select(wanted[table.has(wanted)]))]
    return concatenate(filled) if filled else None


def portions(chosen: Decisions, *, size: int) -> Iterator[Decisions]:
    """The chosen rows, ``size`` at a time."""
    rows = np.flatnonzero(chosen.keep)
    for part in slices(len(rows), size=size):
        yield chosen.take(rows[part])


def on_hull(outcomes: Decisions, results: Labels) -> Labels:
    """The results that the outcome puts on the hull."""
    return results.select(outcomes.ids[outcomes.reasons == Reason.ON_HULL])


def formation_energies(phases: Labels, references: References) -> Floats:
    """(n,) eV/atom of phases on the hull above the elements, each in its lowest form, a phase among these or not."""
    known = with_results(references, phases)
    return np.asarray(phases.energies - elemental_mixtures(phases.formulas, known))
