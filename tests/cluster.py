"""A cluster of one node for tests: Slurm without systemd, behind SSH; all of it in one folder, nothing of it stays."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

PROGRAMS: Final = ("munged", "slurmctld", "slurmd", "sshd", "ssh-keygen", "sbatch", "scancel")
PLACES: Final = f"{os.environ['PATH']}:/usr/sbin:/sbin"

SLURM: Final = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
EnforcePartLimits=ALL
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
SchedulerParameters=sched_interval=1,bf_interval=1
KillWait=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=6000 State=UNKNOWN
PartitionName=short Nodes=ALL Default=YES MaxTime=01:00:00 State=UP
PartitionName=long Nodes=ALL MaxTime=24:00:00 State=UP
"""

SSHD: Final = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile {folder}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
SetEnv SLURM_CONF={folder}/slurm.conf
Subsystem sftp internal-sftp
"""


HOST: Final = "cluster"
CONFIG: Final = """\
Host {host}
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/user
"""


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs.

    Attributes:
        folder: of its files.
        port: of its SSH.
    """

    folder: Path
    port: int

    @contextmanager
    def ssh(self) -> Iterator[None]:
        """Its SSH, while the context lasts."""
        with _service(["sshd", "-D", "-e", "-f", str(self.folder / "sshd.conf")]):
            _wait_for(lambda: _answers(self.port), what="sshd")
            yield

    def run(self, *words: str) -> str:
        """What one of Slurm's commands says."""
        environment = {**os.environ, "PATH": PLACES, "SLURM_CONF": str(self.folder / "slurm.conf")}
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout

    def computer(self, workdir: Path, *, transport: str = "core.ssh") -> Any:
        """The cluster as AiiDA knows it, over SSH; ``core.ssh_async`` finds it in the file of :meth:`as_known_host`."""
        from aiida import orm

        computer = orm.Computer(
            label=f"{transport}-{self.port}",
            hostname="127.0.0.1",
            transport_type=transport,
            scheduler_type="core.slurm",
            workdir=str(workdir),
        ).store()
        computer.set_minimum_job_poll_interval(1)
        computer.set_default_mpiprocs_per_machine(1)
        if transport == "core.ssh_async":
            computer.configure(host=HOST, safe_interval=0)
            return computer
        computer.configure(
            username=getpass.getuser(),
            port=self.port,
            key_filename=str(self.folder / "user"),
            look_for_keys=False,
            load_system_host_keys=False,
            key_policy="AutoAddPolicy",
            safe_interval=0,
            timeout=60,
        )
        return computer

    def as_known_host(self, home: Path) -> None:
        """Write what ``ssh cluster`` needs into a home directory."""
        (home / ".ssh").mkdir(mode=0o700)
        host_key = (self.folder / "host.pub").read_text()
        (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host_key}")
        facts = {"user": getpass.getuser(), "port": self.port, "folder": self.folder}
        (home / ".ssh" / "config").write_text(CONFIG.format(host=HOST, **facts))


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Bring one up in a folder of a short name, but for its SSH, and take it down again; skips the test, loudly, where there is no Slurm."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=PLACES) is None]
    if missing:
        pytest.skip(f"NO cluster of one node: {', '.join(missing)} missing; nothing is tested with Slurm here")
    if os.geteuid():
        pytest.skip("NO cluster of one node: slurmd wants root; nothing is tested with Slurm here")
    ports = [_free_port() for _ in range(3)]
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o400)
    facts = {"folder": folder, "host": socket.gethostname(), "user": getpass.getuser()}
    (folder / "slurm.conf").write_text(SLURM.format(ports=ports[:2], **facts))
    (folder / "sshd.conf").write_text(SSHD.format(port=ports[2], **facts))
    for name in ("host", "user"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
    Path("/run/sshd").mkdir(exist_ok=True)
    found = Cluster(folder, ports[2])
    with ExitStack() as stack:
        stack.enter_context(
            _service(
                [
                    "munged",
                    "--foreground",
                    "--force",
                    f"--key-file={folder}/munge.key",
                    f"--socket={folder}/munge.socket",
                    f"--pid-file={folder}/munge.pid",
                    f"--log-file={folder}/munge.log",
                    f"--seed-file={folder}/munge.seed",
                ]
            )
        )
        _wait_for((folder / "munge.socket").exists, what="munged")
        for name in ("slurmctld", "slurmd"):
            stack.enter_context(_service([name, "-D"], SLURM_CONF=str(folder / "slurm.conf")))
        _wait_for(lambda: "idle" in found.run("sinfo", "--noheader"), what="Slurm")
        yield found


def _run(*words: str) -> None:
    subprocess.run([shutil.which(words[0], path=PLACES) or words[0], *words[1:]], check=True)


@contextmanager
def _service(words: list[str], **environment: str) -> Iterator[None]:
    program = shutil.which(words[0], path=PLACES)
    assert program is not None
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([program, *words[1:]], env={**os.environ, **environment}, **silent)  # type: ignore[call-overload]
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _wait_for(true: Any, *, what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except subprocess.CalledProcessError:
            pass
        if time.monotonic() > end:
            raise TimeoutError(f"{what} didn't come up in {seconds:.0f} s")
        time.sleep(0.2)
