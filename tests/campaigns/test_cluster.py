"""A campaign whose fits, predictions and relaxations are jobs of Slurm on a machine behind SSH."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiida import orm
from aiida.engine import run_get_node
from aiida.manage.configuration import get_config_option

from aiida_mlhull import Campaign
from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import simplest
from tests.campaign_inputs import potential_then_record
from tests.cluster import Cluster, cluster
from tests.programs import PROGRAM

pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.timeout(900)]

N = 20
SECONDS_WITHOUT_SSH = 4


@pytest.fixture(scope="module")
def slurm(tmp_path_factory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("c")) as found:
        yield found


def code(slurm: Cluster, workdir: Path, transport: str) -> orm.InstalledCode:
    computer = slurm.computer(workdir, transport=transport)
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


class Administrator(threading.Thread):
    """Does to a campaign what clusters do, and what the tests look at afterwards.

    Attributes:
        canceled: Slurm's number of the first job, which was canceled while it ran.
        refused: how often Slurm refused a job while it took no new ones.
        over: to be set at the end of the test.
    """

    def __init__(self, slurm: Cluster) -> None:
        super().__init__(daemon=True)
        self.slurm, self.canceled, self.refused, self.over = slurm, "", 0, threading.Event()

    def run(self) -> None:
        with self.slurm.ssh():
            self.canceled = self.job(1)
            self.slurm.run("scancel", self.canceled)
            self.job(3)
            self.slurm.run("scontrol", "update", "PartitionName=long", "State=INACTIVE")
            while not self.refused and self.waits():
                self.refused = (self.slurm.folder / "slurmctld.log").read_text().count("partition not available")
        self.slurm.run("scontrol", "update", "PartitionName=long", "State=UP")
        self.over.wait(SECONDS_WITHOUT_SSH)
        with self.slurm.ssh():
            self.over.wait()

    def job(self, number: int) -> str:
        """Wait until the job of this number runs."""
        while self.waits():
            if str(number) in self.slurm.run("squeue", "--noheader", "--format=%i", "--states=RUNNING").split():
                return str(number)
        raise TimeoutError(f"job {number} never ran")

    def waits(self) -> bool:
        """A moment; False at the end of the test."""
        return not self.over.wait(0.2)


def test_a_campaign_outlives_what_clusters_do(
    slurm: Cluster, aiida_profile: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over ``core.ssh_async``: a job is canceled, one is refused, SSH is gone for some seconds."""
    slurm.as_known_host(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    interval = "transport.task_retry_initial_interval"
    usual = get_config_option(interval)
    aiida_profile.set_option(interval, 1)
    options = {
        "queue_name": "long",
        "max_memory_kb": 2_000_000,
        "custom_scheduler_commands": "#SBATCH --comment=gpu-goes-here",
    }
    administrator = Administrator(slurm)
    administrator.start()
    try:
        _, node = run_get_node(Screen, **inputs(code(slurm, tmp_path / "work", "core.ssh_async"), options=options))
    finally:
        administrator.over.set()
        administrator.join()
        aiida_profile.set_option(interval, usual)
    assert node.is_finished_ok, node.exit_message
    assert len(Campaign(node).outcomes()) == N
    jobs = jobs_of(node)
    assert [str(job.get_job_id()) for job in jobs if not job.is_finished_ok] == [administrator.canceled]
    assert administrator.refused
    told = "\n".join(log.message for job in jobs for log in orm.Log.collection.get_logs_for(job))
    assert "Required partition not available" in told
    assert "Connect call failed" in told
    assert {job.process_label for job in jobs} == {"RelaxCalculation", "FitCalculation", "PredictCalculation"}
    for script in scripts(node):
        assert "#SBATCH --partition=long" in script
        assert "#SBATCH --mem=1953" in script
        assert "#SBATCH --comment=gpu-goes-here" in script
        assert "#SBATCH --time=00:10:00" in script
    shown = [slurm.run("scontrol", "show", "job", str(job.get_job_id())) for job in jobs]
    assert all("Partition=long" in one and "Comment=gpu-goes-here" in one for one in shown)


def test_too_little_memory_ends_as_rows_with_reasons(slurm: Cluster, aiida_profile: Any, tmp_path: Path) -> None:
    """The program needs some 500 MB to start with; the scheduler kills what takes more than it asked for."""
    options = {"max_memory_kb": 100_000}
    with slurm.ssh():
        given = inputs(code(slurm, tmp_path, "core.ssh"), options=options, max_attempts=1, same_failures=None)
        _, node = run_get_node(Screen, **given)
    assert not node.is_finished_ok
    rows = Campaign(node).outcomes()
    assert len(rows) == N
    failed = [reason for reason in rows.reasons.tolist() if reason.startswith("failed")]
    assert failed, set(rows.reasons.tolist())
    assert [job.exit_message for job in jobs_of(node)] == ["the scheduler says: The job ran out of memory."]
