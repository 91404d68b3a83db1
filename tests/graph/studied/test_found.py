"""Which nodes a study's run has."""

from __future__ import annotations

import pytest
from aiida import orm
from aiida.common.links import LinkType

from aiida_mlhull import names
from aiida_mlhull.graph.studied.found import find_run, killed_jobs
from aiida_mlhull.science.studies import load_study, runs_of


def pool(label: str, state: str) -> orm.WorkChainNode:
    node = orm.WorkChainNode(label=label, process_type=names.FIT_ENSEMBLE.process_type)
    node.base.attributes.set("process_state", state)
    return node.store()


def job(caller: orm.WorkChainNode, key: str, state: str, computer: orm.Computer) -> orm.RemoteData:
    node = orm.CalcJobNode(label=f"fit {key}", process_type=names.FIT.process_type, computer=computer)
    node.base.attributes.set("process_state", state)
    node.base.links.add_incoming(caller, LinkType.CALL_CALC, key)
    node.store()
    folder = orm.RemoteData(computer=computer, remote_path=f"/scratch/{caller.pk}/{key}")
    folder.base.links.add_incoming(node, LinkType.CREATE, "remote_folder")
    return folder.store()


def test_folders_of_interrupted_fits(aiida_localhost):
    label = "tiny/row/quick/seed0/abc-123"
    first, second = pool(label, "killed"), pool(label, "killed")
    job(first, "members_000", "finished", aiida_localhost)
    job(first, "members_001", "killed", aiida_localhost)
    newest = job(second, "members_001", "waiting", aiida_localhost)
    under_way = pool(label, "waiting")
    job(under_way, "members_001", "running", aiida_localhost)
    job(pool("another", "killed"), "members_002", "killed", aiida_localhost)
    assert {key: folder.uuid for key, folder in killed_jobs(label).items()} == {"members_001": newest.uuid}


def test_nothing_was_run(aiida_profile):
    found = find_run(runs_of(load_study("xie-2018"), size="full", seed=987)[0])
    assert not found.is_finished
    assert found.pks() == {}
    assert found.rows_learned() is None


@pytest.mark.parametrize("data", [None, "0123"])
def test_a_process_that_failed_does_not_count(aiida_profile, data):
    run = runs_of(load_study("xie-2018"), size="full", seed=986)[0]
    node = pool(f"{run.label}-0123", "finished")
    node.base.attributes.set("exit_status", 510)
    assert find_run(run, data).fit is None
