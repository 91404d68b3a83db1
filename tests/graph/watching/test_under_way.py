"""Candidates in jobs that have not ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pytest
from aiida import orm
from aiida.common.datastructures import CalcJobState
from aiida.common.links import LinkType
from aiida.schedulers.datastructures import JobState

from aiida_mlhull import names
from aiida_mlhull.data import DecisionsData
from aiida_mlhull.graph.watching.under_way import AtHand, UnderWay, at_hand, under_way
from aiida_mlhull.science.program.finished import FinishedRows
from aiida_mlhull.science.program.settings import FINISHED_FILE
from aiida_mlhull.science.relaxation.base import Relaxed
from aiida_mlhull.science.types import Decisions

KEPT, ENGINE = 7, 1


@pytest.fixture
def job(aiida_localhost, tmp_path):
    """A job over seven candidates that has written two relaxed ones and a failed one so far, and a part of a line."""
    n = KEPT + 2
    chosen = Decisions.from_rows(
        ids=[f"c{k}" for k in range(n)],
        formulas=["NaCl"] * n,
        keep=np.arange(n) < KEPT,
        reasons=["start_set"] * KEPT + ["batch_full"] * 2,
        values=np.zeros(n),
        thresholds=np.zeros(n),
        margins=np.zeros(n),
        scores=np.zeros(n),
        rule="top_n",
    )
    decisions = DecisionsData.from_science(chosen).store()
    node = orm.CalcJobNode(computer=aiida_localhost)
    node.base.links.add_incoming(decisions, LinkType.INPUT_CALC, names.CHOSEN)
    node.store()
    rows = FinishedRows(tmp_path / FINISHED_FILE, identity="this job", earlier=tmp_path / "nothing")
    for row, failure in enumerate(["", "not_converged", ""]):
        cell = {"lattice": np.eye(3), "frac_coords": np.zeros((1, 3))}
        rows.add(Relaxed(row, -1.0, failure=failure, steps=1, max_force=0.0, core_seconds=1.0, **cell))
    rows.close()
    with (tmp_path / FINISHED_FILE).open("a") as file:
        file.write('{"row": 3, "failure": ""')
    return UnderWay(
        pk=node.pk, caller=ENGINE, label="RelaxCalculation", title="final", process_type="", created=_now(), job=True,
        started=True, folder=str(tmp_path), transport="core.local",
    )  # fmt: skip


def _now() -> datetime:
    return datetime.now(tz=timezone.utc)


def test_rows_of_a_job_on_this_machine_are_counted_while_it_runs(job):
    assert at_hand([job], stages={ENGINE: "final"}) == {"final": AtHand(done=2, failed=1, running=4)}


def test_elsewhere_and_before_the_upload_all_of_them_run(job):
    for other in (replace(job, transport="core.ssh"), replace(job, folder="")):
        assert at_hand([other], stages={ENGINE: "final"}) == {"final": AtHand(running=KEPT)}


def test_before_a_job_begins_all_of_them_wait(job):
    assert at_hand([replace(job, started=False)], stages={ENGINE: "final"}) == {"final": AtHand(queued=KEPT)}


def test_a_lane_has_one_candidate_at_hand(job):
    """The engine calls a lane, the lane a plug-in's WorkChain, and that one a job after the other."""
    lane = replace(job, pk=900, job=False, started=False, folder="")
    chain = replace(lane, pk=901, caller=900)
    inner = replace(job, pk=902, caller=901, folder="")
    for started, expected in ((True, AtHand(running=1)), (False, AtHand(queued=1))):
        members = [lane, chain, replace(inner, started=started)]
        assert at_hand(members, stages={ENGINE: "final"}) == {"final": expected}
    assert at_hand([replace(job, caller=12345)], stages={ENGINE: "final"}) == {}


def test_processes_are_found_level_by_level_and_those_that_ended_are_not(aiida_localhost):
    top = orm.WorkChainNode().store()

    def below(caller: orm.WorkChainNode, *, state: str, label: str) -> orm.WorkChainNode:
        child = orm.WorkChainNode(label=label)
        child.base.links.add_incoming(caller, LinkType.CALL_WORK, f"{label}_{caller.pk}")
        child.base.attributes.set("process_state", state)
        return child.store()

    engine = below(top, state="waiting", label="final")
    below(top, state="finished", label="potential")
    lane = below(engine, state="running", label="candidate")
    job = orm.CalcJobNode(computer=aiida_localhost)
    job.base.links.add_incoming(lane, LinkType.CALL_CALC, "relax")
    job.base.attributes.set("process_state", "waiting")
    job.store()
    job.set_state(CalcJobState.WITHSCHEDULER)
    job.set_scheduler_state(JobState.RUNNING)
    job.set_remote_workdir("/scratch/1")
    seen = {one.pk: one for one in under_way(top.pk)}
    assert set(seen) == {engine.pk, lane.pk, job.pk}
    assert [seen[node.pk].caller for node in (engine, lane, job)] == [top.pk, engine.pk, lane.pk]
    assert [seen[node.pk].title for node in (engine, lane)] == ["final", "candidate"]
    last = seen[job.pk]
    assert (last.job, last.started, last.folder, last.transport) == (True, True, "/scratch/1", "core.local")
    assert (seen[lane.pk].job, seen[lane.pk].started, seen[lane.pk].folder) == (False, False, "")
    job.set_scheduler_state(JobState.QUEUED)
    assert not {one.pk: one for one in under_way(top.pk)}[job.pk].started
