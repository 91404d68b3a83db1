"""Programs as AiiDA knows them: the computer they run on and their codes."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from aiida import orm

PROGRAM: Final = "mlhull-job"
LOCALHOST: Final = "localhost"
SECONDS_BETWEEN_LOOKS: Final = 0.5
"""At a job on this machine."""


def ready_program() -> Any:
    """The code of the program on this machine: the one that is registered, a new one if its program is gone."""
    from aiida import orm
    from aiida.common.exceptions import NotExistent

    computer, _ = register_localhost()
    try:
        known = orm.load_code(f"{PROGRAM}@{computer.label}")
    except NotExistent:
        known = None
    if isinstance(known, orm.InstalledCode) and Path(known.filepath_executable).exists():
        return known
    code, _ = register_code(computer, installed_program())
    return code


def installed_program(name: str = PROGRAM) -> Path:
    """Where this installation's program is.

    Args:
        name: of the program.

    Raises:
        click.ClickException: if it is not to be found.
    """
    beside = Path(sys.executable).parent / name
    if beside.exists():
        return beside
    found = shutil.which(name)
    if found is None:
        raise click.ClickException(
            f"{name} is neither beside {sys.executable} nor on the PATH; install the package again "
            f"('pip install aiida-mlhull') or name the program with --executable"
        )
    return Path(found)


def register_localhost() -> tuple[orm.Computer, str]:
    """The computer localhost, with short waiting times, and what had to be done."""
    from aiida import orm
    from aiida.common.exceptions import NotExistent
    from aiida.manage.configuration import get_config

    try:
        computer = orm.Computer.collection.get(label=LOCALHOST)
    except NotExistent:
        computer = orm.Computer(
            label=LOCALHOST,
            hostname=LOCALHOST,
            description="This machine",
            transport_type="core.local",
            scheduler_type="core.direct",
            workdir=str(Path(get_config().dirpath) / "scratch"),
        ).store()
        news = "registered"
    else:
        news = "is there"
    if not computer.is_configured:
        computer.configure(safe_interval=0.0, use_login_shell=False)
        news += ", configured"
    # Fits take seconds, and ten between two looks would be most of a small job's time. Without any pause AiiDA would
    # look, and write to its database, hundreds of times a job. The program is called by its full path: a login
    # shell would only read start-up files, seconds of them on some machines.
    said = computer.get_property(computer.PROPERTY_MINIMUM_SCHEDULER_POLL_INTERVAL, None)
    if computer.scheduler_type == "core.direct" and (said is None or said > SECONDS_BETWEEN_LOOKS):
        computer.configure(safe_interval=0.0, use_login_shell=False)
        computer.set_minimum_job_poll_interval(SECONDS_BETWEEN_LOOKS)
        computer.set_default_mpiprocs_per_machine(1)
        news += f", jobs are looked at every {SECONDS_BETWEEN_LOOKS} s"
    return computer, news


def register_code(
    computer: orm.Computer, executable: Path, *, label: str = PROGRAM, **attributes: str
) -> tuple[orm.AbstractCode, str]:
    """A program's code on a computer, and what had to be done.

    A code of that name with another executable is kept for the calculations that used it, under
    another name.

    Args:
        computer: where it runs.
        executable: the program's path there.
        label: the code's name.
        attributes: description, text to be run before it, and whatever else AiiDA knows of codes.
    """
    from aiida import orm
    from aiida.common.exceptions import NotExistent

    news = "registered"
    try:
        known = orm.load_code(f"{label}@{computer.label}")
    except NotExistent:
        pass
    else:
        if getattr(known, "filepath_executable", None) is not None and Path(known.filepath_executable) == executable:
            return known, "is there"
        known.label = f"{label}-{known.pk}"
        known.is_hidden = True
        news = f"registered; the former one is now called {known.full_label}"
    attributes = {"description": "Fits, predicts and relaxes for aiida-mlhull", **attributes}
    code = orm.InstalledCode(
        label=label, computer=computer, filepath_executable=str(executable), with_mpi=False, **attributes
    )
    return code.store(), f"{news}, {executable}"
