"""A campaign under a real daemon: whatever is killed on the way, it ends with the same bits."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiida import orm
from aiida.engine import run_get_node, submit
from aiida.engine.daemon.client import DaemonClient, get_daemon_client

from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import simplest
from tests.campaign_inputs import campaign_inputs
from tests.programs import on_this_machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

N = 36
PATIENCE = 900.0
"""Seconds; on a machine with nothing else to do the whole module takes two minutes."""


def campaign(code: orm.AbstractCode) -> dict[str, Any]:
    """Two rounds on a record, in two shards."""
    gate = {"rule": "two_sigma", "rounds": 2, "batch": 4}
    final = {"name": "final", "engine": "recorded", "core_minutes": 605, "gate": gate}
    settings = {"seed": 11, "start": 16, "stages": [final], "ensemble": {"members": 2}}
    return campaign_inputs(code, simplest(N), settings)


def outcome(node: orm.ProcessNode) -> dict[str, Any]:
    """What a campaign came to, down to the bits of its tables."""
    assert node.is_finished_ok, node.exit_message
    tables = {
        f"{kind} {key}": table.base.attributes.get("content_hash")
        for kind in ("verdicts", "results")
        for key, table in node.outputs[kind].items()
    }
    phases = sorted(one.label for one in node.outputs.phases.values()) if "phases" in node.outputs else []
    return {**tables, "phases": phases, "summary": node.outputs.summary.get_dict()}


@pytest.fixture(scope="module")
def undisturbed(aiida_profile, tmp_path_factory) -> dict[str, Any]:
    """The campaign in this process and in the profile of all tests."""
    code = on_this_machine(tmp_path_factory.mktemp("undisturbed"))
    return outcome(run_get_node(Screen, **campaign(code))[1])


@pytest.fixture
def daemon(undisturbed, aiida_config, aiida_profile_factory) -> Iterator[DaemonClient]:
    """A daemon with one worker, in a profile of its own."""
    with aiida_profile_factory(aiida_config, name="resilience", broker_backend="core.zeromq") as profile:
        aiida_config.set_option("runner.poll.interval", 1, scope=profile.name)
        aiida_config.set_option("daemon.timeout", 120, scope=profile.name)
        aiida_config.store()
        client = get_daemon_client(profile.name)
        client.start_daemon(timeout=120)
        try:
            yield client
        finally:
            kill(everything(client))


def worker(client: DaemonClient) -> psutil.Process:
    """The daemon's worker."""
    pids: list[str] = list(client.get_worker_info(timeout=120)["info"])
    assert len(pids) == 1
    return psutil.Process(int(pids[0]))


def everything(client: DaemonClient) -> list[psutil.Process]:
    """The daemon's own process, its worker and its broker; not the jobs, which live on their own."""
    pid = client.get_daemon_pid()
    if pid is None:
        return []
    circus = psutil.Process(pid)
    return [circus, *circus.children(recursive=True)]


def kill(processes: list[psutil.Process]) -> None:
    """At once, so that nobody can clean up; the one that would start the others again first."""
    for process in processes:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    psutil.wait_procs(processes, timeout=60)


def wait_until(true: Callable[[], bool], *, what: str) -> None:
    """Look again and again.

    Raises:
        TimeoutError: if it doesn't become true.
    """
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come true in {PATIENCE:.0f} s")
        time.sleep(0.2)


def under_way(label: str, *, number: int) -> Callable[[], bool]:
    """Whether at least ``number`` processes of that name exist, the newest of them not ended."""

    def look() -> bool:
        query = orm.QueryBuilder().append(
            orm.ProcessNode, filters={"attributes.process_label": label}, project="attributes.process_state"
        )
        states = query.all(flat=True)
        return len(states) >= number and any(state in {"created", "running", "waiting"} for state in states)

    return look


def test_killed_worker_and_killed_daemon_change_nothing(
    undisturbed: dict[str, Any], daemon: DaemonClient, tmp_path: Path
) -> None:
    """Another profile, a daemon, a worker killed in round 1 and the whole daemon in round 2: the same bits."""
    node = submit(Screen, campaign(on_this_machine(tmp_path)))

    wait_until(under_way("FitCalculation", number=1), what="a fit in round 1")
    first = worker(daemon)
    kill([first])
    wait_until(under_way("PredictCalculation", number=2), what="predictions after the worker was killed")
    assert worker(daemon).pid != first.pid

    wait_until(under_way("FitCalculation", number=2), what="a fit in round 2")
    processes = everything(daemon)
    assert len(processes) >= 2
    kill(processes)
    assert not node.is_terminated
    daemon.start_daemon(timeout=120)

    wait_until(lambda: node.is_terminated, what="the end of the campaign")
    assert outcome(node) == undisturbed
