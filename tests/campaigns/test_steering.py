"""A campaign under a daemon is paused, its worker is killed, it stays paused, and goes on to the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiida import orm
from aiida.engine import run_get_node, submit
from aiida.engine.daemon.client import DaemonClient

from aiida_mlhull import Campaign
from aiida_mlhull.workflows.screen import Screen
from tests.campaigns.daemons import kill, running_daemon, under_way, wait_until, worker
from tests.campaigns.test_resilience import campaign, outcome
from tests.programs import on_this_machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def undisturbed(aiida_profile, tmp_path_factory) -> dict[str, Any]:
    code = on_this_machine(tmp_path_factory.mktemp("undisturbed"))
    return outcome(run_get_node(Screen, **campaign(code))[1])


@pytest.fixture
def daemon(undisturbed, aiida_config, aiida_profile_factory) -> Iterator[DaemonClient]:
    with running_daemon(aiida_config, aiida_profile_factory, name="steering") as client:
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
    wait_until(lambda: asked.node.is_terminated, what="the end of the campaign")
    assert outcome(asked.node) == undisturbed
