"""A campaign under a real daemon: whatever is killed on the way, it ends with the same bits, on any storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node, submit
from aiida.engine.daemon.client import DaemonClient
from aiida.tools.archive import create_archive, import_archive

from aiida_mlhull import Campaign
from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import Excerpt, simplest
from tests.campaign_inputs import campaign_inputs
from tests.campaigns.daemons import (
    PATIENCE,
    everything,
    kill,
    running_daemon,
    start_after_a_kill,
    under_way,
    wait_until,
    worker,
)
from tests.programs import on_this_machine
from tests.services import services, skip_without_services

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

N = 36


def with_names_that_are_sorted_otherwise(excerpt: Excerpt) -> Excerpt:
    """The same rows with ids that a language sorts otherwise than code points do, and nobody expects."""
    fronts = ("b", "C", "a_", "A-", "é", "_", "Z\U0001d524", "O'")
    names = np.array(sorted(f"{fronts[row % len(fronts)]}{row}" for row in range(len(excerpt.candidates))))
    return Excerpt(replace(excerpt.candidates, ids=names), replace(excerpt.record, ids=names), excerpt.references)


def campaign(code: orm.AbstractCode) -> dict[str, Any]:
    """Two rounds on a record, in two shards."""
    gate = {"rule": "two_sigma", "rounds": 2, "batch": 4}
    final = {"name": "final", "engine": "recorded", "core_minutes": 605, "gate": gate}
    settings = {"seed": 11, "start": 16, "stages": [final], "ensemble": {"members": 2}}
    return campaign_inputs(code, with_names_that_are_sorted_otherwise(simplest(N)), settings)


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


def told(node: orm.ProcessNode) -> dict[str, Any]:
    """What people are told about a campaign, but for pks and times."""
    asked = Campaign(node)
    ids = asked.outcomes().ids.tolist()
    histories = {name: asked.history(name).drop(columns=["pk", "ensemble", "campaign"]) for name in ids[::5]}
    return {
        "ids": ids,
        "started": asked.started(),
        "rounds": asked.rounds().to_dict("list"),
        "rejected": asked.rejected(1).to_dict("list"),
        "histories": {
            name: frame.astype(object).where(frame.notna(), None).to_dict("list") for name, frame in histories.items()
        },
        "funnel": asked.funnel(),
        "done": {stage.name: stage.done for stage in asked.progress().stages},
        "lasted": 0 < asked.progress().seconds < PATIENCE,
    }


@pytest.fixture(scope="module")
def undisturbed(aiida_profile, tmp_path_factory) -> dict[str, Any]:
    """The campaign in this process and in the profile of all tests: what it came to, what is told, and an archive of it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    _, node = run_get_node(Screen, **campaign(on_this_machine(folder)))
    create_archive([node], filename=folder / "campaign.aiida")
    return {**outcome(node), "told": told(node), "uuid": node.uuid, "archive": folder / "campaign.aiida"}


@pytest.fixture(params=["SQLite and ZeroMQ", pytest.param("PostgreSQL and RabbitMQ", marks=pytest.mark.services)])
def daemon(request, undisturbed, aiida_config, aiida_profile_factory, tmp_path) -> Iterator[DaemonClient]:
    """After the undisturbed run, which needs the profile of all tests."""
    with ExitStack() as stack:
        backends = {}
        if "PostgreSQL" in request.param:
            skip_without_services()
            backends = stack.enter_context(services(tmp_path / "repository"))
        make = running_daemon(aiida_config, aiida_profile_factory, name=f"resilience-{len(backends)}", **backends)
        yield stack.enter_context(make)


def seal_what_was_killed() -> None:
    """What docs/how-to/when-something-breaks.md says of archives: processes that died with their worker stay open."""
    query = orm.QueryBuilder().append(orm.ProcessNode, filters={"attributes": {"!has_key": "sealed"}})
    for left in query.all(flat=True):
        left.set_process_state("killed")
        left.seal()


def test_killed_worker_and_killed_daemon_change_nothing(
    undisturbed: dict[str, Any], daemon: DaemonClient, tmp_path: Path, aiida_config: Any, aiida_profile_factory: Any
) -> None:
    """Another profile, a daemon, a worker killed in round 1 and the whole daemon in round 2: the same bits."""
    node = submit(Screen, campaign(on_this_machine(tmp_path)))

    wait_until(under_way("FitCalculation", number=1), what="a fit in round 1")
    first = worker(daemon)
    kill([first])
    wait_until(under_way("PredictCalculation", number=2), what="predictions of round 2", after_a_kill=daemon)
    assert worker(daemon).pid != first.pid

    wait_until(under_way("FitCalculation", number=2), what="a fit in round 2")
    processes = everything(daemon)
    assert len(processes) >= 2
    kill(processes)
    assert not node.is_terminated
    start_after_a_kill(daemon)

    wait_until(lambda: node.is_terminated, what="the end of the campaign", after_a_kill=daemon)
    assert outcome(node) == {key: undisturbed[key] for key in ("phases", "summary", *outcome(node))}
    assert told(node) == undisturbed["told"]

    import_archive(undisturbed["archive"])
    assert told(orm.load_node(undisturbed["uuid"])) == undisturbed["told"], "an archive of SQLite, in here"
    seal_what_was_killed()
    create_archive([node], filename=tmp_path / "campaign.aiida")
    uuid = node.uuid
    with aiida_profile_factory(aiida_config):
        import_archive(tmp_path / "campaign.aiida")
        assert told(orm.load_node(uuid)) == undisturbed["told"], "an archive of it, in SQLite"
