"""Programs as AiiDA knows them: the computer they run on and their codes."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.science.errors import NotReadyError, UnknownNameError

if TYPE_CHECKING:
    from aiida import orm

PROGRAM: Final = "mlhull-job"
LOCALHOST: Final = "localhost"
LOCAL_TRANSPORT: Final = "core.local"
SECONDS_BETWEEN_LOOKS: Final = 0.5
"""At a job on this machine."""


def ready_program() -> Any:
    """The code of the program on this machine: the one that is registered, a new one if its program is gone."""
    from aiida import orm

    computer, _ = register_localhost()
    for registered in _codes_of(computer, PROGRAM):
        if isinstance(registered, orm.InstalledCode) and Path(registered.filepath_executable).exists():
            return registered
    code, _ = register_code(computer, installed_program())
    return code


def _codes_of(computer: orm.Computer, label: str) -> list[orm.AbstractCode]:
    """Codes of this label on a computer, the newest first: AiiDA allows several, and archives bring their own."""
    from aiida import orm

    query = orm.QueryBuilder().append(orm.Computer, filters={"id": computer.pk}, tag="computer")
    query.append(orm.AbstractCode, with_computer="computer", filters={"label": label}, tag="code")
    query.order_by({"code": {"ctime": "desc"}})
    codes: list[orm.AbstractCode] = query.all(flat=True)
    return codes


def load_program(label: str) -> orm.AbstractCode:
    """The code of the program mlhull-job; of several of one name the newest whose program is there.

    Raises:
        UnknownNameError: if there is no code of that name.
        NotReadyError: if its computer is not configured, or the program is gone.
    """
    from aiida import orm
    from aiida.common.exceptions import MultipleObjectsError, NotExistent

    code: orm.AbstractCode
    try:
        code = orm.load_code(label)
    except MultipleObjectsError as error:
        name, _, computer_label = label.partition("@")
        if not computer_label:
            raise UnknownNameError(f"several codes {label!r}: name one with its computer ({error})") from None
        known = _codes_of(load_computer(computer_label), name)
        code = next((each for each in known if _program_is_there(each)), known[0])
    except (NotExistent, ValueError) as error:
        raise UnknownNameError(f"no code {label!r}: register it with 'aiida-mlhull setup' ({error})") from None
    computer = code.computer
    if computer is not None and not computer.is_configured:
        raise NotReadyError(
            f"the computer of code {label} is not configured: 'verdi computer configure {computer.transport_type} "
            f"{computer.label}'"
        )
    if not _program_is_there(code):
        executable = getattr(code, "filepath_executable", None)
        raise NotReadyError(f"code {label} points to {executable}, which is gone: run 'aiida-mlhull setup'")
    return code


def _program_is_there(code: orm.AbstractCode) -> bool:
    """False only where this machine can tell: programs of other computers are taken as they are."""
    executable = getattr(code, "filepath_executable", None)
    computer = code.computer
    local = computer is not None and computer.transport_type == LOCAL_TRANSPORT
    return not local or executable is None or Path(executable).exists()


def load_computer(label: str) -> orm.Computer:
    """The computer of this label.

    Raises:
        UnknownNameError: if there is none; the message names those that are.
    """
    from aiida import orm
    from aiida.common.exceptions import NotExistent

    try:
        return orm.load_computer(label)
    except NotExistent:
        labels = orm.QueryBuilder().append(orm.Computer, project="label").all(flat=True)
        raise UnknownNameError(
            f"no computer {label!r} in this profile; known: {', '.join(sorted(labels)) or 'none'}. "
            f"Make one with 'verdi computer setup'"
        ) from None


def installed_program(name: str = PROGRAM) -> Path:
    """Where this installation's program is.

    Args:
        name: of the program.

    Raises:
        NotReadyError: if it is not installed.
    """
    beside = Path(sys.executable).parent / name
    if beside.exists():
        return beside
    on_path = shutil.which(name)
    if on_path is None:
        raise NotReadyError(
            f"{name} is neither beside {sys.executable} nor on the PATH; install the package again "
            f"('pip install aiida-mlhull') or name the program with --executable"
        )
    return Path(on_path)


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
            transport_type=LOCAL_TRANSPORT,
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
    interval = computer.get_property(computer.PROPERTY_MINIMUM_SCHEDULER_POLL_INTERVAL, None)
    if computer.scheduler_type == "core.direct" and (interval is None or interval > SECONDS_BETWEEN_LOOKS):
        computer.configure(safe_interval=0.0, use_login_shell=False)
        computer.set_minimum_job_poll_interval(SECONDS_BETWEEN_LOOKS)
        computer.set_default_mpiprocs_per_machine(1)
        news += f", jobs are looked at every {SECONDS_BETWEEN_LOOKS} s"
    return computer, news


def register_code(
    computer: orm.Computer, executable: Path, *, label: str = PROGRAM, **attributes: str
) -> tuple[orm.AbstractCode, str]:
    """A program's code on a computer, and what had to be done.

    Codes of that name with another executable are kept for the calculations that used them, under other names.

    Args:
        computer: where it runs.
        executable: the program's path there.
        label: the code's name.
        attributes: description, text to be run before it, and whatever else AiiDA knows of codes.
    """
    from aiida import orm

    former = _codes_of(computer, label)
    for code in former:
        if getattr(code, "filepath_executable", None) is not None and Path(code.filepath_executable) == executable:
            return code, "is there"
    for code in former:
        code.label = f"{label}-{code.pk}"
        code.is_hidden = True
    names = ", ".join(code.full_label for code in former)
    news = f"registered; the former one is now called {names}" if former else "registered"
    attributes = {"description": "Fits, predicts and relaxes for aiida-mlhull", **attributes}
    program = orm.InstalledCode(
        label=label, computer=computer, filepath_executable=str(executable), with_mpi=False, **attributes
    )
    return program.store(), f"{news}, {executable}"
