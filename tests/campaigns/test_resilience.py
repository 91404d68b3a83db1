"""A campaign under a real daemon: whatever is killed on the way, it ends with the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiida import orm
from aiida.engine import run_get_node, submit
from aiida.engine.daemon.client import DaemonClient

from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import simplest
from tests.campaign_inputs import campaign_inputs
from tests.campaigns.daemons import everything, kill, running_daemon, start_after_a_kill, under_way, wait_until, worker
from tests.programs import on_this_machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

N = 36


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
        for kind in ("outcomes", "results")
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
    """After the undisturbed run, which needs the profile of all tests."""
    with running_daemon(aiida_config, aiida_profile_factory, name="resilience") as client:
        yield client


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
    start_after_a_kill(daemon)

    wait_until(lambda: node.is_terminated, what="the end of the campaign")
    assert outcome(node) == undisturbed
