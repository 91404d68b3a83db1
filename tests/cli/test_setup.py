"""Set up once, check at any time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from aiida.common.links import LinkType

from aiida_mlhull.launching.doctor import checks
from aiida_mlhull.launching.doctor.checks import slots_per_job
from aiida_mlhull.science.not_vasp import VERSION
from tests.cli.conftest import run
from tests.vasp_codes import RECORDED, placeholders


class Disk(NamedTuple):
    """What ``shutil.disk_usage`` answers."""

    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def roomy(monkeypatch) -> Callable[[float], None]:
    """Disks with 100 GiB free, whatever this machine has; call it for another number."""

    def free(gib: float) -> None:
        monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: Disk(2**40, 0, int(gib * 2**30)))

    free(100.0)
    return free


@pytest.mark.usefixtures("empty_profile")
def test_setup_is_idempotent_and_doctor_is_content():
    from aiida import orm

    assert "no code mlhull-job" in run("doctor").output
    assert "registered" in run("setup").output
    before = orm.QueryBuilder().append(orm.AbstractCode).count()
    again = run("setup")
    assert again.exit_code == 0
    assert "computer localhost: is there" in again.output
    assert orm.QueryBuilder().append(orm.AbstractCode).count() == before
    computer = orm.load_computer("localhost")
    assert computer.is_configured
    assert computer.get_minimum_job_poll_interval() == 0.5
    told = run("doctor")
    assert told.exit_code == 0, told.output
    for what in ("versions:", "profile:", "broker:", "daemon:", "code:", "disk:", "Campaigns can run."):
        assert what in told.output


@pytest.mark.usefixtures("empty_profile")
def test_a_disk_that_is_nearly_full_is_told(roomy):
    run("setup")
    for gib, grade, passes in ((6.0, "ok", True), (2.0, "note", True), (0.2, "bad", False)):
        roomy(gib)
        told = run("doctor")
        lines = [line.split() for line in told.output.splitlines() if " disk:" in line]
        assert lines
        assert {line[0] for line in lines} == {grade}
        assert f"{gib:.1f} GiB free for the repository" in told.output
        assert (told.exit_code == 0) is passes
        assert ("-> make room" in told.output) is (grade != "ok")


@pytest.mark.usefixtures("empty_profile")
def test_another_executable_keeps_the_former_code(tmp_path):
    from aiida import orm

    run("setup")
    former = orm.load_code("mlhull-job@localhost")
    program = tmp_path / "mlhull-job"
    program.symlink_to("/bin/false")
    said = run("setup", "--executable", program).output
    assert f"the former one is now called mlhull-job-{former.pk}@localhost" in said
    assert orm.load_code("mlhull-job@localhost").pk != former.pk
    told = run("doctor")
    assert told.exit_code != 0
    assert "fails" in told.output
    program.unlink()
    assert "doesn't start" in run("doctor").output


@pytest.mark.usefixtures("empty_profile")
def test_a_stand_in_is_one_command_and_loudly_not_vasp(monkeypatch):
    from aiida import orm

    assert "no code for VASP" in run("doctor").output
    first = run("setup", "--stand-in")
    assert first.exit_code == 0, first.output
    assert "NOT VASP" in first.output
    code = orm.load_code("vasp-standin@localhost")
    assert code.default_calc_job_plugin == "vasp.vasp"
    assert not code.with_mpi
    family = "placeholders-NOT-VASP"
    assert {"Ti", "Ti_pv", "W_sv"} <= {node.full_name for node in orm.load_group(family).nodes}
    before = orm.QueryBuilder().append(orm.Node).count()
    again = run("setup", "--stand-in").output
    assert f"{code.full_label}<{code.pk}>: is there" in again
    assert f"potential family {family}: is there" in again
    assert orm.QueryBuilder().append(orm.Node).count() == before
    monkeypatch.setenv("MLHULL_STANDIN_FAULTS", "killed in 5%")
    told = run("doctor")
    assert told.exit_code == 0
    assert f"is a stand-in, plug-in vasp.vasp, version {VERSION}; NOT VASP" in told.output
    assert "asked to fail: killed in 5%" in told.output
    assert f"{family}: " in told.output
    assert "placeholders without potentials, NOT VASP" in told.output


@pytest.mark.usefixtures("empty_profile")
def test_a_code_of_vasp_is_told_from_a_renamed_stand_in():
    from aiida import orm

    run("setup")
    computer = orm.load_computer("localhost")
    for label, path in (("vasp", "/opt/vasp/bin/vasp_std"), ("vasp-too", "/usr/bin/mlhull-vasp-standin")):
        orm.InstalledCode(
            label=label, computer=computer, filepath_executable=path, default_calc_job_plugin="vasp.vasp"
        ).store()
    told = vasp_lines()
    assert [line.split()[0] for line in told] == ["note", "note"]
    assert "/opt/vasp/bin/vasp_std is not there" in told[0]
    assert "stand-in" in told[1]


def vasp_lines(what: str = "vasp:") -> list[str]:
    """What doctor says of VASP's codes, or of something else."""
    return [line for line in run("doctor").output.splitlines() if what in line]


@pytest.mark.usefixtures("empty_profile")
def test_a_code_of_vasp_on_a_computer_that_is_not_configured(tmp_path):
    from aiida import orm

    program = tmp_path / "vasp_std"
    program.touch()
    cluster = orm.Computer(
        label="cluster", hostname="h", transport_type="core.local", scheduler_type="core.slurm", workdir=str(tmp_path)
    ).store()
    orm.InstalledCode(
        label="vasp", computer=cluster, filepath_executable=str(program), default_calc_job_plugin="vasp.vasp"
    ).store()
    (told,) = vasp_lines()
    assert told.startswith("note")
    assert "computer cluster is not configured" in told
    assert "verdi computer configure core.local cluster" in run("doctor").output
    cluster.configure()
    (told,) = vasp_lines()
    assert told.startswith("ok")
    assert "'verdi computer test cluster' tries it" in told
    assert "plug-in vasp.vasp, version not known before its first job" in told
    jobs = []
    for place in (RECORDED / "plain", tmp_path):  # the newer job has left nothing that tells
        job = orm.CalcJobNode(process_type="aiida.calculations:vasp.vasp", computer=cluster)
        job.base.links.add_incoming(orm.load_code("vasp@cluster"), LinkType.INPUT_CALC, "code")
        job.store()
        left = orm.FolderData()
        for path in sorted(place.glob("*/out/OUTCAR"))[:1]:
            left.base.repository.put_object_from_file(str(path), "OUTCAR")
        left.base.links.add_incoming(job, LinkType.CREATE, "retrieved")
        left.store()
        jobs.append(job.pk)
    (told,) = vasp_lines()
    assert f"version 0.0.0-NOT-VASP (mlhull-vasp-standin 0.1.0) (job {jobs[0]})" in told


def test_versions_in_the_headers_of_vasp_and_of_pw():
    from aiida_mlhull.launching.doctor import pw_checks, vasp_checks

    heads = {
        '<i name="program" type="string">vasp </i>\n <i name="version" type="string">6.4.2  </i>': "6.4.2",
        " vasp.5.4.4.18Apr17-6-g9f103f2a35 (build Mar 12 2020) complex": "5.4.4.18Apr17-6-g9f103f2a35 (build",
    }
    for head, version in heads.items():
        assert vasp_checks._TOLD.search(head)["version"].strip().startswith(version)
    assert pw_checks._VERSION.search("     Program PWSCF v.7.2 starts on  1Jan2026")["version"] == "7.2"


@pytest.mark.usefixtures("empty_profile")
def test_families_of_potentials_say_what_they_lack(tmp_path):
    from aiida import orm
    from pymatgen.io.vasp.sets import MPRelaxSet

    run("setup")
    assert vasp_lines("potentials:") == []
    assert slots_per_job() == 1
    orm.InstalledCode(
        label="vasp",
        computer=orm.load_computer("localhost"),
        filepath_executable="/bin/true",
        default_calc_job_plugin="vasp.vasp",
    ).store()
    (told,) = vasp_lines("potentials:")
    assert told.startswith("note")
    assert "no family of potentials" in told
    assert slots_per_job() == 3
    wanted = sorted(set(MPRelaxSet.CONFIG["POTCAR"].values()))
    for name, potentials in (("all", wanted), ("few", [one for one in wanted if one not in {"Ti_pv", "W_pv"}])):
        (tmp_path / name).mkdir()
        placeholders(tmp_path / name, *potentials, family=name)
    whole, few = vasp_lines("potentials:")
    assert whole.split() == ["ok", "potentials:", "all:", str(len(wanted))]
    assert few.startswith("note")
    assert f"lacks 2 of the {len(wanted)} that the Materials Project names: Ti_pv, W_pv" in few


def test_a_program_that_is_not_there_is_refused_on_this_machine(tmp_path):
    told = run("setup", "--executable", tmp_path / "nowhere")
    assert told.exit_code == 2
    assert f"there is no program {tmp_path / 'nowhere'}" in told.output


def test_unknown_computers_are_named():
    result = run("setup", "--computer", "moon", "--executable", "/bin/true")
    assert result.exit_code != 0
    assert "no computer 'moon'" in result.output


def test_slots_that_would_block_a_campaign_are_an_error():
    from aiida_mlhull.launching.services.daemon import Daemon, require
    from aiida_mlhull.science.errors import NotReadyError

    roomy = Daemon(broker="core.zeromq", running=True, workers=1, slots_per_worker=200)
    assert require(roomy, shards=3, max_in_flight=4) == ""
    tight = Daemon(broker="core.zeromq", running=True, workers=1, slots_per_worker=6)
    assert "16 would keep all jobs" in require(tight, shards=3, max_in_flight=4)
    blocked = Daemon(broker="core.zeromq", running=True, workers=1, slots_per_worker=4)
    with pytest.raises(NotReadyError, match="wait for itself for ever"):
        require(blocked, shards=3, max_in_flight=4)
    with pytest.raises(NotReadyError, match="no broker"):
        require(Daemon(broker="", running=False, workers=0, slots_per_worker=200), shards=1, max_in_flight=1)


def command(*arguments: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The console script in a process of its own, with another home."""
    script = Path(sys.executable).parent / "aiida-mlhull"
    environment = {key: value for key, value in os.environ.items() if key != "AIIDA_PATH"}
    environment |= {"HOME": str(home), **variables}
    return subprocess.run([script, *arguments], env=environment, capture_output=True, text=True, check=False)


def test_help_answers_without_loading_aiida(tmp_path):
    answer = command("--help", home=tmp_path)
    assert answer.returncode == 0
    for name in ("launch", "status", "report", "history", "rejected", "doctor", "setup"):
        assert f"\n  {name}" in answer.stdout
    assert not (tmp_path / ".aiida").exists()
    code = "import sys, aiida_mlhull.cli; sys.exit(any(name in sys.modules for name in ('aiida', 'torch', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_a_profile_the_way_to_one_is_named_and_home_stays_clean(tmp_path, desk):
    good_file = desk.campaign()
    for arguments in (("status",), ("setup",), ("history", "x"), ("report",), ("launch", str(good_file))):
        answer = command(*arguments, home=tmp_path)
        assert answer.returncode != 0
        assert "verdi presto" in answer.stderr
        assert "Traceback" not in answer.stderr
    assert not (tmp_path / ".aiida").exists()


def test_an_unknown_profile_is_refused(tmp_path):
    result = run("--profile", "moon", "status")
    assert result.exit_code != 0
    assert "no AiiDA profile 'moon'" in result.output
