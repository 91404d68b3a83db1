"""Codes for the program ``mlhull-job``: as it is installed beside this Python, with its libraries loaded, and broken ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.forks import PROGRAM, quick_program

Install = Callable[..., Any]
"""AiiDA's fixture ``aiida_code_installed``."""


def installed(install: Install, *, program: Path | None = None) -> Any:
    """The program, with its libraries loaded if no other one is named."""
    return install(label="mlhull-job", filepath_executable=str(program or quick_program()))


def computer_in(workdir: Path) -> Any:
    """A computer of its own in the profile that is loaded, for fixtures that outlive a test."""
    from aiida import orm

    computer = orm.Computer(
        label=f"here-{workdir.name}",
        hostname="localhost",
        transport_type="core.local",
        scheduler_type="core.direct",
        workdir=str(workdir),
    ).store()
    computer.set_minimum_job_poll_interval(0)
    computer.set_default_mpiprocs_per_machine(1)
    computer.configure(safe_interval=0)
    return computer


def on_this_machine(workdir: Path, *, program: Path = PROGRAM) -> Any:
    """The program on a computer of its own."""
    from aiida import orm

    return orm.InstalledCode(
        label="mlhull-job", computer=computer_in(workdir), filepath_executable=str(program)
    ).store()


def scripted(install: Install, folder: Path, lines: str, *, program: Path = PROGRAM) -> Any:
    """A shell script in the program's place; ``$PROGRAM`` is the real one, ``$1`` the task."""
    path = folder / "mlhull-job.sh"
    path.write_text(f"#!/bin/bash\nPROGRAM={program}\nSTATE={folder}\n{lines}\n")
    path.chmod(0o755)
    return install(label=f"script-{folder.name}", filepath_executable=str(path))


def dying(install: Install, folder: Path, task: str) -> Any:
    """The program, but it ends at once and without a word when it is to do ``task``."""
    return scripted(install, folder, f'[ "$1" = {task} ] && exit 3\nexec "$PROGRAM" "$@"', program=quick_program())
