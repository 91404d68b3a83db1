"""``aiida-mlhull setup``: tell AiiDA where the program mlhull-job is."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from aiida_mlhull.cli import profile

if TYPE_CHECKING:
    from aiida import orm

PROGRAM: Final = "mlhull-job"
LOCALHOST: Final = "localhost"


@click.command()
@click.option("--computer", "computer_label", default=LOCALHOST, show_default=True, help="AiiDA's name of the machine.")
@click.option(
    "--executable",
    type=click.Path(path_type=Path),
    help="Path of mlhull-job on that machine; on localhost it is found beside the running Python.",
)
@click.pass_obj
def setup(profile_name: str | None, computer_label: str, executable: Path | None) -> None:
    """Register the computer localhost and the code mlhull-job in the AiiDA profile.

    Running it again changes nothing that is right already.
    """
    profile.load(profile_name)
    if computer_label == LOCALHOST:
        computer, news = register_localhost()
        click.echo(f"computer {computer.label}: {news}")
        code, news = register_code(computer, executable or installed_program())
    else:
        computer = _load_computer(computer_label)
        if executable is None:
            raise click.UsageError(f"say with --executable where {PROGRAM} is on {computer_label}")
        code, news = register_code(computer, executable)
    click.echo(f"code {code.full_label}<{code.pk}>: {news}")
    click.echo("Next: aiida-mlhull doctor")


def ready_program() -> Any:
    """The code of the program on this machine, registered if need be."""
    computer, _ = register_localhost()
    code, _ = register_code(computer, installed_program())
    return code


def installed_program() -> Path:
    """Where this installation's mlhull-job is.

    Raises:
        click.ClickException: if it is not to be found.
    """
    beside = Path(sys.executable).parent / PROGRAM
    if beside.exists():
        return beside
    found = shutil.which(PROGRAM)
    if found is None:
        raise click.ClickException(
            f"{PROGRAM} is neither beside {sys.executable} nor on the PATH; install the package again "
            f"('pip install aiida-mlhull') or name the program with --executable"
        )
    return Path(found)


def register_localhost() -> tuple[orm.Computer, str]:
    """The computer localhost, without waiting times, and what had to be done."""
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
    # Jobs of this machine's own processes cost nothing to look at, and fits take seconds. The program is
    # called by its full path: a login shell would only read start-up files, seconds of them on some machines.
    if computer.scheduler_type == "core.direct" and computer.get_minimum_job_poll_interval() > 0:
        computer.configure(safe_interval=0.0, use_login_shell=False)
        computer.set_minimum_job_poll_interval(0.0)
        computer.set_default_mpiprocs_per_machine(1)
        news += ", jobs are asked without waiting"
    return computer, news


def register_code(computer: orm.Computer, executable: Path) -> tuple[orm.AbstractCode, str]:
    """The code ``mlhull-job`` on a computer, and what had to be done.

    A code of that name with another executable is kept for the calculations that used it, under
    another name.
    """
    from aiida import orm
    from aiida.common.exceptions import NotExistent

    news = "registered"
    try:
        known = orm.load_code(f"{PROGRAM}@{computer.label}")
    except NotExistent:
        pass
    else:
        if getattr(known, "filepath_executable", None) is not None and Path(known.filepath_executable) == executable:
            return known, "is there"
        known.label = f"{PROGRAM}-{known.pk}"
        known.is_hidden = True
        news = f"registered; the former one is now called {known.full_label}"
    code = orm.InstalledCode(
        label=PROGRAM,
        description="Fits, predicts and relaxes for aiida-mlhull",
        computer=computer,
        filepath_executable=str(executable),
        with_mpi=False,
    )
    return code.store(), f"{news}, {executable}"


def _load_computer(label: str) -> orm.Computer:
    from aiida import orm
    from aiida.common.exceptions import NotExistent

    try:
        return orm.load_computer(label)
    except NotExistent:
        known = orm.QueryBuilder().append(orm.Computer, project="label").all(flat=True)
        raise click.ClickException(
            f"no computer {label!r} in this profile; known: {', '.join(sorted(known)) or 'none'}. "
            f"Make one with 'verdi computer setup'"
        ) from None
