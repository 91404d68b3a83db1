"""A campaign whose fits, predictions and relaxations are jobs of Slurm on a machine behind SSH."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull import Campaign
from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import simplest
from tests.campaign_inputs import potential_then_record
from tests.cluster import Cluster, cluster
from tests.programs import PROGRAM

pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.timeout(900)]

N = 20


@pytest.fixture(scope="module")
def slurm(tmp_path_factory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("c")) as found:
        yield found


@pytest.fixture(scope="module")
def code(slurm: Cluster, aiida_profile, tmp_path_factory) -> orm.InstalledCode:
    computer = slurm.computer(tmp_path_factory.mktemp("work"))
    return orm.InstalledCode(label="mlhull-job", computer=computer, filepath_executable=str(PROGRAM)).store()


def inputs(code: orm.AbstractCode, **jobs: Any) -> dict[str, Any]:
    """A potential for all, one round of models, a record."""
    given = potential_then_record(code, simplest(N), rounds=1, batch=2, seed=3, n_shards=1)
    given["jobs"] = orm.Dict({"max_wallclock_seconds": 600, "members_per_job": 2, **jobs})
    return given


def jobs_of(node: orm.ProcessNode) -> list[orm.CalcJobNode]:
    return [one for one in node.called_descendants if isinstance(one, orm.CalcJobNode)]


def scripts(node: orm.ProcessNode) -> list[str]:
    return [job.base.repository.get_object_content("_aiidasubmit.sh") for job in jobs_of(node)]


def test_every_job_goes_through_the_queue_and_a_canceled_one_is_done_again(code, slurm) -> None:
    options = {
        "queue_name": "long",
        "max_memory_kb": 2_000_000,
        "custom_scheduler_commands": "#SBATCH --comment=gpu-goes-here",
    }
    canceled: list[str] = []

    def cancel_the_first() -> None:
        end = time.monotonic() + 300
        while not canceled and time.monotonic() < end:
            queued = slurm.run("squeue", "--noheader", "--format=%i", "--states=RUNNING").split()
            if queued:
                slurm.run("scancel", queued[0])
                canceled.append(queued[0])
            time.sleep(0.2)

    administrator = threading.Thread(target=cancel_the_first)
    administrator.start()
    _, node = run_get_node(Screen, **inputs(code, options=options))
    administrator.join()
    assert node.is_finished_ok, node.exit_message
    assert len(Campaign(node).outcomes()) == N
    assert canceled
    jobs = jobs_of(node)
    again = [job for job in jobs if str(job.get_job_id()) == canceled[0]]
    assert [job.is_finished_ok for job in again] == [False]
    assert sum(job.is_finished_ok for job in jobs) == len(jobs) - 1
    assert {job.process_label for job in jobs} == {"RelaxCalculation", "FitCalculation", "PredictCalculation"}
    for script in scripts(node):
        assert "#SBATCH --partition=long" in script
        assert "#SBATCH --mem=1953" in script
        assert "#SBATCH --comment=gpu-goes-here" in script
        assert "#SBATCH --time=00:10:00" in script
    told = [slurm.run("scontrol", "show", "job", str(job.get_job_id())) for job in jobs]
    assert all("Partition=long" in one and "Comment=gpu-goes-here" in one for one in told)


def test_too_little_memory_ends_as_rows_with_reasons(code: orm.AbstractCode) -> None:
    """The program needs some 500 MB to start with; the scheduler kills what takes more than it asked for."""
    _, node = run_get_node(
        Screen, **inputs(code, options={"max_memory_kb": 100_000}, max_attempts=1, same_failures=None)
    )
    assert not node.is_finished_ok
    rows = Campaign(node).outcomes()
    assert len(rows) == N
    failed = [reason for reason in rows.reasons.tolist() if reason.startswith("failed")]
    assert failed, set(rows.reasons.tolist())
    assert [job.exit_message for job in jobs_of(node)] == ["the scheduler says: The job ran out of memory."]
