"""A campaign under a daemon is paused, its worker is killed, it stays paused, and goes on to the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aiida import orm
from aiida.engine import run_get_node, submit
from aiida.engine.daemon.client import DaemonClient
from aiida.engine.processes import control
from aiida.schedulers import JobState

from aiida_mlhull import Campaign, extend
from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import simplest
from tests.campaigns.daemons import kill, running_daemon, under_way, wait_until, worker
from tests.campaigns.test_resilience import N, campaign, outcome, with_names_that_are_sorted_otherwise
from tests.forks import PROGRAM, quick_program
from tests.programs import on_this_machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

NUMBERS = count(1)
"""Of the daemons' profiles, whose names stay in AiiDA's configuration."""


@pytest.fixture(scope="module")
def undisturbed(aiida_profile, tmp_path_factory) -> dict[str, Any]:
    code = on_this_machine(tmp_path_factory.mktemp("undisturbed"), program=quick_program())
    return outcome(run_get_node(Screen, **campaign(code))[1])


@pytest.fixture
def daemon(undisturbed, aiida_config, aiida_profile_factory) -> Iterator[DaemonClient]:
    with running_daemon(aiida_config, aiida_profile_factory, name=f"steering-{next(NUMBERS)}") as client:
        yield client


def processes() -> int:
    return orm.QueryBuilder().append(orm.ProcessNode).count()


def test_a_pause_outlives_the_worker(undisturbed: dict[str, Any], daemon: DaemonClient, tmp_path: Path) -> None:
    asked = Campaign(submit(Screen, campaign(on_this_machine(tmp_path))))
    wait_until(under_way("FitCalculation", number=1), what="a fit in round 1")
    asked.pause("before the worker is killed")
    wait_until(lambda: bool(asked.paused()), what="the pause")
    before = processes()
    first = worker(daemon)
    kill([first])
    wait_until(lambda: worker(daemon).pid != first.pid, what="another worker")
    wait_until(lambda: daemon.get_worker_info(timeout=120)["info"] != {}, what="its first answer")
    assert asked.paused()
    assert processes() == before
    asked.resume()
    wait_until(lambda: asked.node.is_terminated, what="the end of the campaign", after_a_kill=daemon)
    assert outcome(asked.node) == undisturbed


def newest(label: str) -> orm.ProcessNode:
    """The process of that name that was made last."""
    query = orm.QueryBuilder().append(orm.ProcessNode, filters={"attributes.process_label": label}, tag="node")
    found: orm.ProcessNode = query.order_by({"node": {"id": "desc"}}).first(flat=True)
    return found


def test_verdi_pauses_plays_and_kills_what_runs(
    undisturbed: dict[str, Any], daemon: DaemonClient, tmp_path: Path
) -> None:
    """A job and the whole campaign, by what ``verdi process`` calls; a killed job is done again, a killed campaign taken up."""
    slow = tmp_path / "mlhull-job"
    slow.write_text(f'#!/bin/sh\n[ "$1" = fit ] && sleep 10\nexec {PROGRAM} "$@"\n')
    slow.chmod(0o755)
    node = submit(Screen, campaign(on_this_machine(tmp_path, program=slow)))
    wait_until(under_way("FitCalculation", number=1), what="a fit")
    job = newest("FitCalculation")
    wait_until(lambda: job.get_scheduler_state() is JobState.RUNNING, what="its job")
    control.pause_processes([job, node], msg_text="for lunch", timeout=120)
    wait_until(lambda: job.paused and node.paused, what="the pause")
    assert {one.pk for one in Campaign(node).paused()} == {job.pk, node.pk}
    control.play_processes([job, node], timeout=120)
    control.kill_processes([job], msg_text="by mistake", timeout=120)
    wait_until(under_way("FitCalculation", number=2), what="the fit once more")
    assert job.is_killed
    assert newest("FitCalculation").caller.pk == job.caller.pk
    wait_until(lambda: newest("FitCalculation").get_scheduler_state() is JobState.RUNNING, what="its job")
    control.kill_processes([node], msg_text="enough", timeout=120)
    wait_until(lambda: all(one.is_terminated for one in [node, *node.called_descendants]), what="the end of all")
    assert node.is_killed
    assert sorted(Campaign(node).outcomes().ids) == sorted(
        with_names_that_are_sorted_otherwise(simplest(N)).candidates.ids
    )

    taken_up = extend(node)
    wait_until(lambda: taken_up.node.is_terminated, what="the end of the campaign that takes it up")
    found = outcome(taken_up.node)
    assert {key: found[key] for key in found if key != "summary"} == {
        key: undisturbed[key] for key in undisturbed if key != "summary"
    }
