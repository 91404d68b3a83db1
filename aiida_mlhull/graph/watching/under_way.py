"""Processes of a campaign that have not ended, and how many candidates each of their jobs has at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from aiida_mlhull import names
from aiida_mlhull.graph.campaigns import UNFINISHED

AFTER_THE_QUEUE: Final = ("stashing", "retrieving", "parsing")
"""AiiDA's states of jobs that the scheduler is done with."""

STARTED: Final = ("running", "done")
"""Schedulers' states of jobs that run or have run."""

MODEL_JOBS: Final = (names.FIT, names.PREDICT)


@dataclass(frozen=True)
class UnderWay:
    """A process that has not ended.

    Attributes:
        pk: its number.
        caller: pk of the process that has called it.
        label: name of its class.
        title: its own label: ``volume, round 1, shard_000``.
        process_type: AiiDA's.
        created: when.
        job: whether it is a job of a scheduler.
        started: whether that job runs or has run, rather than waits for its turn.
        folder: where the job works on its computer; empty before it was uploaded.
        transport: AiiDA's transport to that computer.
    """

    pk: int
    caller: int
    label: str
    title: str
    process_type: str
    created: datetime
    job: bool
    started: bool
    folder: str
    transport: str

    @property
    def serves_models(self) -> bool:
        """Whether it is a fit or a prediction."""
        return any(name.matches(self.process_type) for name in MODEL_JOBS)


def under_way(pk: int | None) -> list[UnderWay]:
    """All processes below a campaign that have not ended, level by level."""
    from aiida import orm

    found: list[UnderWay] = []
    callers: list[int | None] = [pk]
    while callers:
        query = orm.QueryBuilder()
        query.append(orm.WorkChainNode, filters={"id": {"in": callers}}, tag="caller", project="id")
        query.append(
            orm.ProcessNode,
            with_incoming="caller",
            filters={"attributes.process_state": {"in": list(UNFINISHED)}},
            tag="process",
            project=["id", "attributes.process_label", "label", "process_type", "ctime", "node_type", *_JOB],
        )
        query.append(orm.Computer, with_node="process", outerjoin=True, project="transport_type")
        level = [_read(row) for row in query.all()]
        found += level
        callers = [one.pk for one in level if not one.job]
    return found


_JOB: Final = ("attributes.state", "attributes.scheduler_state", "attributes.remote_workdir")


def _read(row: list[Any]) -> UnderWay:
    caller, pk, label, title, process_type, created, node_type, state, scheduler, folder, transport = row
    return UnderWay(
        pk=pk,
        caller=caller,
        label=label or "",
        title=title,
        process_type=process_type or "",
        created=created,
        job="calcjob" in node_type,
        started=state in AFTER_THE_QUEUE or scheduler in STARTED,
        folder=folder or "",
        transport=transport or "",
    )


@dataclass(frozen=True)
class AtHand:
    """Candidates in the jobs of a stage that have not ended.

    Attributes:
        done: in a job that goes on with others, relaxed.
        failed: in such a job, ended without an energy.
        running: being calculated.
        queued: handed to a scheduler, or on the way there.
    """

    done: int = 0
    failed: int = 0
    running: int = 0
    queued: int = 0

    def __add__(self, other: AtHand) -> AtHand:
        return AtHand(
            self.done + other.done,
            self.failed + other.failed,
            self.running + other.running,
            self.queued + other.queued,
        )


def at_hand(processes: list[UnderWay], *, stages: Mapping[int, str]) -> dict[str, AtHand]:
    """Candidates in unfinished jobs, by stage.

    Args:
        processes: of :func:`under_way`.
        stages: name of the stage by pk of its engine's process.
    """
    by_pk = {one.pk: one for one in processes}
    portions = _portions([one.pk for one in processes if one.job and one.caller in stages])
    # A lane has one candidate at hand: its plug-in's WorkChain, with at most one job at a time.
    units: dict[int, list[UnderWay]] = {}
    for one in processes:
        unit = _unit(one, by_pk, stages)
        if unit is not None:
            units.setdefault(unit, []).append(one)
    found: dict[str, AtHand] = {}
    for unit, members in units.items():
        stage = _stage(by_pk[unit], by_pk, stages)
        rows = portions.get(unit, 1)
        found[stage] = found.get(stage, AtHand()) + _count(members, rows=rows)
    return found


def _unit(one: UnderWay, by_pk: Mapping[int, UnderWay], stages: Mapping[int, str]) -> int | None:
    """The process that has candidates at hand: a job that an engine has called, or what a lane has called."""
    chain = [one]
    while chain[-1].caller in by_pk:
        chain.append(by_pk[chain[-1].caller])
    for place, process in enumerate(chain):
        if process.caller in stages:  # a job of an engine's, or a lane
            inside = process if process.job else (chain[place - 1] if place else None)
            return None if inside is None else inside.pk
    return None


def _stage(one: UnderWay, by_pk: Mapping[int, UnderWay], stages: Mapping[int, str]) -> str:
    while one.caller not in stages:
        one = by_pk[one.caller]
    return stages[one.caller]


def _count(members: list[UnderWay], *, rows: int) -> AtHand:
    jobs = [one for one in members if one.job]
    if not any(one.started for one in jobs):
        return AtHand(queued=rows)
    done, failed = _finished_rows(jobs[-1]) if rows > 1 else (0, 0)
    return AtHand(done=done, failed=failed, running=max(rows - done - failed, 0))


def _portions(jobs: list[int]) -> dict[int, int]:
    """How many candidates these jobs were given."""
    from aiida import orm

    from aiida_mlhull.data import DecisionsData

    if not jobs:
        return {}
    query = orm.QueryBuilder().append(orm.CalcJobNode, filters={"id": {"in": jobs}}, tag="job", project="id")
    query.append(DecisionsData, with_outgoing="job", edge_filters={"label": names.CHOSEN}, project="attributes.n_kept")
    return dict(query.all())


def _finished_rows(job: UnderWay) -> tuple[int, int]:
    """Rows that a job on this machine has written down so far: relaxed ones and failed ones."""
    from aiida_mlhull.science.program.finished import count_finished
    from aiida_mlhull.science.program.settings import FINISHED_FILE

    if not job.folder or not job.transport.startswith("core.local"):
        return 0, 0
    return count_finished(Path(job.folder) / FINISHED_FILE)
