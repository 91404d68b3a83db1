"""``mlhull-job relax``: relax many crystals with a universal potential, going on where an earlier run ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aiida_mlhull.science.ensembles.rows import Cells, crystals_of
from aiida_mlhull.science.program.facts import device_used
from aiida_mlhull.science.program.finished import FinishedRows
from aiida_mlhull.science.program.progress import Countdown, say
from aiida_mlhull.science.program.settings import (
    EARLIER_FOLDER,
    FINISHED_FILE,
    LABELS_FILE,
    PotentialSettings,
    RelaxJob,
)
from aiida_mlhull.science.program.tables import read_cells, read_pool
from aiida_mlhull.science.program.workers import available_cores, dealt, stream
from aiida_mlhull.science.relaxation import POTENTIALS
from aiida_mlhull.science.relaxation.base import RelaxationSettings, Relaxed, collect
from aiida_mlhull.science.representations.volumes import dls_volumes
from aiida_mlhull.science.types import Candidates, Crystals, Labels
from aiida_mlhull.science.wire import JobFolder, encode_table


@dataclass(frozen=True, eq=False)
class RelaxPortion:
    """What one process relaxes: crystals, and the numbers that they have in the whole job."""

    crystals: Crystals
    rows: list[int]
    how: PotentialSettings
    device: str


def run(folder: JobFolder, job: RelaxJob) -> tuple[dict[str, int], dict[str, Any]]:
    """Relax the chosen rows.

    Returns:
        Row counts by file, and facts for the completion marker.
    """
    chosen = read_cells(folder, job.cells).select(read_pool(folder))
    crystals = crystals_of(chosen)
    # Made here first: a missing extra or device is told before any process starts.
    first, *others = _relaxers(job.how, job.device)
    engine = "; also ".join(one.engine for one in [first, *others])
    identity = _identity(job, chosen, engine)
    earlier = folder.path / EARLIER_FOLDER / FINISHED_FILE
    with closing(FinishedRows(folder.path / FINISHED_FILE, identity=identity, earlier=earlier)) as finished:
        left = [row for row in _largest_first(crystals) if row not in finished.rows]
        say(f"{len(chosen)} crystals to relax with {engine}, {len(chosen) - len(left)} of them done before")
        _relax(crystals, left, job, finished)
    labels = collect(
        finished.rows.values(),
        chosen.ids,
        chosen.formulas,
        crystals,
        stage=job.stage,
        engine=engine,
        scheme=job.how.energies_scheme,
    )
    folder.write_table(LABELS_FILE, labels)
    return {LABELS_FILE: len(labels)}, {
        "device": device_used(),
        "n_failed": int((~labels.succeeded).sum()),
        "n_done_before": len(chosen) - len(left),
        "core_minutes": float(labels.core_minutes.sum()),
    }


def relax_here(
    candidates: Candidates, how: PotentialSettings, *, stage: str, processes: int | None = None, device: str = "cpu"
) -> Labels:
    """Relax all candidates as a job would, in this process and its children; nothing is kept on the way.

    Args:
        candidates: with cells.
        how: potential, start volume, freedom.
        stage: name of the stage, kept in the labels.
        processes: all cores if None; the results don't depend on it.
        device: where the potential runs.
    """
    crystals = crystals_of(candidates)
    engine = "; also ".join(one.engine for one in _relaxers(how, device))
    hands = dealt(_largest_first(crystals), processes or available_cores())
    shares = [RelaxPortion(crystals.take(np.array(rows)), rows, how, device) for rows in hands]
    countdown = Countdown(len(crystals), done=0, what="relaxed")

    def rows() -> Iterator[Relaxed]:
        for done in stream(relax_share, shares):
            countdown.step()
            yield done

    return collect(
        rows(), candidates.ids, candidates.formulas, crystals, stage=stage, engine=engine, scheme=how.energies_scheme
    )


def relax_share(share: RelaxPortion) -> Iterator[Relaxed]:
    """Relax one process's crystals, each handed over as soon as it is done."""
    crystals = share.crystals
    if share.how.volume == "predicted":
        crystals = crystals.with_volumes_per_atom(dls_volumes(crystals))
    first, *others = _relaxers(share.how, share.device)
    for done in first.stream(crystals):
        # A failure keeps the cell that went in, not the one that was scaled on the way.
        lattice = share.crystals.lattices[done.row] if done.failure else done.lattice
        told = replace(done, row=share.rows[done.row], lattice=lattice)
        yield told if done.failure else _with_opinions(told, crystals.take([done.row]), others)


def _with_opinions(done: Relaxed, before: Crystals, others: list[Any]) -> Relaxed:
    """The row with what other potentials say about its relaxed cell, and what asking them cost."""
    cell = replace(before, lattices=done.lattice[None], frac_coords=done.frac_coords)
    told = [next(iter(other.stream(cell))) for other in others]
    cost = sum(row.core_seconds for row in told)
    return replace(done, further=tuple(row.energy for row in told), core_seconds=done.core_seconds + cost)


def _relax(crystals: Crystals, left: list[int], job: RelaxJob, finished: FinishedRows) -> None:
    if not left:
        return
    countdown = Countdown(len(crystals), done=len(crystals) - len(left), what="relaxed")
    # Each crystal's result depends on nothing but itself, so any share of them may go to any process.
    hands = dealt(left, job.processes or available_cores())
    shares = [RelaxPortion(crystals.take(np.array(rows)), rows, job.how, job.device) for rows in hands]
    for done in stream(relax_share, shares):
        finished.add(done)
        countdown.step()


def _relaxers(how: PotentialSettings, device: str) -> list[Any]:
    """The potential that relaxes, then those that are asked about what comes of it."""
    static = RelaxationSettings(freedom="static")
    return [
        POTENTIALS[name](
            how.relaxation if name == how.potential else static, device=device, weights=how.weights.get(name)
        )
        for name in (how.potential, *how.also)
    ]


def _largest_first(crystals: Crystals) -> list[int]:
    """Row numbers, the costliest first, so that no process is left alone with them at the end."""
    rows: list[int] = np.argsort(-crystals.n_sites, kind="stable").tolist()
    return rows


def _identity(job: RelaxJob, chosen: Cells, engine: str) -> str:
    """A digest of all that decides about the rows."""
    told = json.dumps(job.identity() | {"engine": engine}, sort_keys=True).encode()
    return hashlib.sha256(told + encode_table(chosen)).hexdigest()
