"""Whether everything is there that a campaign needs: installation, profile, broker, daemon, codes, disk."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from aiida_mlhull.launching import profile
from aiida_mlhull.launching.codes import LOCAL_TRANSPORT, PROGRAM
from aiida_mlhull.launching.doctor import pw_checks, vasp_checks
from aiida_mlhull.launching.doctor.findings import BAD, GOOD, NOTE, Finding, Grade
from aiida_mlhull.science.errors import NotReadyError, listed

DISK_WARNING_GIB: Final = 5.0
DISK_ERROR_GIB: Final = 0.5
GIB: Final = 2**30
PROGRAM_SECONDS: Final = 60
NEVER_BEGUN_SECONDS: Final = 300.0
PACKAGES: Final = ("aiida-mlhull", "aiida-core", "aiida-vasp", "pymatgen", "torch", "scikit-learn", "numpy")
EXTRAS: Final = {"chgnet": "potential"}


def check_everything(profile_name: str | None, *, in_flight: int | None, shards: int) -> Iterator[Finding]:
    """All checks, each as it is done.

    Args:
        profile_name: of the profile to load; the default one if None.
        in_flight: jobs at once that are planned; the default of campaigns if None.
        shards: of candidates that are planned.
    """
    yield from _installation()
    try:
        profile.load(profile_name)
    except NotReadyError as error:
        yield Finding(BAD, "profile", str(error), "verdi presto --use-zeromq; aiida-mlhull setup")
        return
    yield _profile()
    yield from _daemon(in_flight=in_flight, shards=shards)
    yield from never_begun()
    yield from _codes()
    yield from vasp_checks.check()
    yield from pw_checks.check()
    yield _caching()
    yield from _disk()


def _installation() -> Iterator[Finding]:
    yield Finding(GOOD, "versions", ", ".join([f"Python {platform.python_version()}", *map(_version, PACKAGES)]))
    for package, extra in EXTRAS.items():
        if find_spec(package) is None:
            advice = f"pip install 'aiida-mlhull[{extra}]'"
            yield Finding(NOTE, "extras", f"{package} is missing: no stage by universal potential", advice)
        else:
            yield Finding(GOOD, "extras", f"{_version(package)} ({extra})")


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} missing"


def _profile() -> Finding:
    from aiida.manage import get_manager
    from aiida.manage.configuration import get_config

    loaded = get_manager().get_profile()
    assert loaded is not None
    return Finding(GOOD, "profile", f"{loaded.name}, storage {loaded.storage_backend}, in {get_config().dirpath}")


def _daemon(*, in_flight: int | None, shards: int) -> Iterator[Finding]:
    from aiida_mlhull.job_pool.settings import JobSettings
    from aiida_mlhull.launching.services import daemon

    state = daemon.look()
    if not state.broker:
        advice = "verdi profile configure-broker core.zeromq"
        yield Finding(NOTE, "broker", "none: campaigns run in the terminal only (launch --foreground)", advice)
        return
    yield Finding(GOOD, "broker", state.broker)
    if not state.running:
        says = "not running: campaigns run in the terminal only (launch --foreground)"
        yield Finding(NOTE, "daemon", says, daemon.START_HINT)
        return
    planned = in_flight or JobSettings().max_in_flight
    per_job = slots_per_job()
    least, all_going = daemon.slots_needed(shards=shards, max_in_flight=planned, slots_per_job=per_job)
    says = (
        f"{state.workers} workers x {state.slots_per_worker} slots; {planned} jobs at once in {shards} shards need "
        f"{least}, better {all_going}"
    )
    if state.slots < all_going:
        advice = f"verdi config set daemon.worker_process_slots {all_going}; verdi daemon restart"
        yield Finding(BAD if state.slots < least else NOTE, "daemon", says, advice)
        return
    yield Finding(GOOD, "daemon", says)


def never_begun(*, seconds: float = NEVER_BEGUN_SECONDS) -> Iterator[Finding]:
    """Processes whose task is lost: a worker that is killed in the moment between storing a process and handing it on.

    Args:
        seconds: after which a process that has only been created is taken to be one of them.
    """
    from aiida import orm

    before = datetime.now(tz=timezone.utc) - timedelta(seconds=seconds)
    query = orm.QueryBuilder().append(
        orm.ProcessNode, filters={"attributes.process_state": "created", "mtime": {"<": before}}, project="id"
    )
    if lost := sorted(query.all(flat=True)):
        says = (
            f"created, but not begun for {seconds:.0f} s: {listed(map(str, lost))}; a worker may have been killed then"
        )
        yield Finding(NOTE, "processes", says, "verdi daemon stop; verdi process repair; verdi daemon start")


def _codes() -> Iterator[Finding]:
    from aiida import orm

    codes = orm.QueryBuilder().append(orm.AbstractCode, filters={"label": PROGRAM}).all(flat=True)
    if not codes:
        yield Finding(BAD, "code", f"no code {PROGRAM} is registered", "aiida-mlhull setup")
    for code in codes:
        yield _code(code)


def _code(code: object) -> Finding:
    name = f"{code.full_label}<{code.pk}>"  # type: ignore[attr-defined]
    computer = code.computer  # type: ignore[attr-defined]
    if computer is None:
        return Finding(GOOD, "code", name)
    if not computer.is_configured:
        advice = f"verdi computer configure {computer.transport_type} {computer.label}"
        return Finding(BAD, "code", f"{name}: computer {computer.label} is not configured", advice)
    if computer.transport_type != LOCAL_TRANSPORT:
        return Finding(GOOD, "code", f"{name} on {computer.label}; 'verdi computer test {computer.label}' tries it")
    return _local_program(name, Path(code.filepath_executable))  # type: ignore[attr-defined]


def _local_program(name: str, executable: Path) -> Finding:
    """Start the program: that it is there doesn't mean that it runs."""
    try:
        ran = subprocess.run(  # noqa: S603  (the code that campaigns run)
            [str(executable), "--help"], capture_output=True, timeout=PROGRAM_SECONDS, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(BAD, "code", f"{name}: {executable} doesn't start: {error}", "aiida-mlhull setup")
    if ran.returncode:
        last = (ran.stderr.strip().splitlines() or ["no message"])[-1]
        return Finding(BAD, "code", f"{name}: {executable} fails: {last}", "install the package again")
    return Finding(GOOD, "code", f"{name}, {executable}")


def _caching() -> Finding:
    from aiida.manage.caching import get_use_cache

    on = get_use_cache(identifier="aiida.calculations:mlhull.fit")
    if on:
        return Finding(GOOD, "caching", "on: a repeated campaign takes finished jobs from the graph")
    advice = "verdi config set -a caching.enabled_for 'aiida.calculations:mlhull.*'"
    return Finding(NOTE, "caching", "off: a repeated campaign runs all jobs again", advice)


def _disk() -> Iterator[Finding]:
    from aiida import orm
    from aiida.manage.configuration import get_config

    places = {"repository": Path(get_config().dirpath)}
    for computer in orm.QueryBuilder().append(orm.Computer, filters={"transport_type": LOCAL_TRANSPORT}).all(flat=True):
        places[f"work of {computer.label}"] = Path(computer.get_workdir())
    for what, place in places.items():
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        free = shutil.disk_usage(there).free / GIB
        grade: Grade = GOOD if free > DISK_WARNING_GIB else NOTE if free > DISK_ERROR_GIB else BAD
        yield Finding(grade, "disk", f"{free:.1f} GiB free for the {what}", "" if grade == GOOD else "make room")


def slots_per_job() -> int:
    """Slots of the daemon that one job may take: more where there is a code for VASP or pw.x, whose jobs others wait for."""
    from aiida_mlhull.engines import ENGINES

    codes_of = {"vasp": vasp_checks.codes, "quantumespresso": pw_checks.codes}
    usable = (name for name in ENGINES if name not in codes_of or codes_of[name]())
    return max(int(ENGINES[name].slots_per_job) for name in usable)
