"""A real daemon for tests, and how to kill it and its parts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from aiida import orm
from aiida.engine.daemon.client import DaemonClient, get_daemon_client
from aiida.manage.configuration import get_config

PATIENCE = 900.0
"""Seconds; on a machine with nothing else to do the whole module takes two minutes."""


STILL = 60.0
"""Seconds without any change after which a person restarts the daemon."""
EVERY = 5.0
"""Seconds between two looks at whether anything has changed."""


@contextmanager
def running_daemon(
    config: Any, make_profile: Callable[..., Any], *, name: str, **backends: Any
) -> Iterator[DaemonClient]:
    """A daemon with one worker, in a profile of its own.

    Args:
        config: AiiDA's fixture ``aiida_config``.
        make_profile: AiiDA's fixture ``aiida_profile_factory``.
        name: the profile's.
        **backends: its storage and broker; SQLite and ZeroMQ if there are none.
    """
    with make_profile(config, name=name, **(backends or {"broker_backend": "core.zeromq"})) as profile:
        config.set_option("runner.poll.interval", 1, scope=profile.name)
        config.set_option("daemon.timeout", 120, scope=profile.name)
        config.store()
        client = get_daemon_client(profile.name)
        client.start_daemon(timeout=120)
        try:
            yield client
        finally:
            kill(everything(client))


def worker(client: DaemonClient) -> psutil.Process:
    """The daemon's worker."""
    pids: list[str] = list(client.get_worker_info(timeout=120)["info"])
    assert len(pids) == 1
    return psutil.Process(int(pids[0]))


def everything(client: DaemonClient) -> list[psutil.Process]:
    """The daemon's own process, its worker and its broker; not the jobs, which live on their own."""
    pid = client.get_daemon_pid()
    try:
        circus = psutil.Process(pid) if pid is not None else None
        return [] if circus is None else [circus, *circus.children(recursive=True)]
    except psutil.NoSuchProcess:  # what it has left behind is a file with its number
        return []


def kill(processes: list[psutil.Process]) -> None:
    """At once, so that nobody can clean up; the one that would start the others again first."""
    for process in processes:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    psutil.wait_procs(processes, timeout=60)


def start_after_a_kill(client: DaemonClient) -> None:
    """Start a daemon whose broker was killed, so that its worker finds the new one.

    A broker that is killed leaves behind where its sockets were, and a worker that is faster than the new broker waits
    there for ever (AiiDA 2.9.4). People restart the daemon once more.
    """
    for stale in Path(get_config().dirpath).glob(f"broker/*-{client.profile.name}/broker.sockets"):
        stale.unlink()
    client.start_daemon(timeout=120)


def changes() -> tuple[int, str]:
    """Number of nodes, and when a process changed last: whether anything moves."""
    query = orm.QueryBuilder().append(orm.ProcessNode, project="mtime").order_by({orm.ProcessNode: {"mtime": "desc"}})
    newest = query.first(flat=True)
    return orm.QueryBuilder().append(orm.Node).count(), str(newest)


def wait_until(true: Callable[[], bool], *, what: str, after_a_kill: DaemonClient | None = None) -> None:
    """Look again and again.

    Args:
        true: whether it has come true.
        what: for the message.
        after_a_kill: daemon whose worker was killed. AiiDA 2.9's broker may not see that it is gone: it asks at the very
            moment at which the worker's connection ends, and no second time. So, as the documentation says, the daemon
            is restarted where nothing moves for a minute.

    Raises:
        TimeoutError: if it doesn't become true.
    """
    end = time.monotonic() + PATIENCE
    seen, since = changes(), time.monotonic()
    looked = since
    while not true():
        now = time.monotonic()
        if now > end:
            raise TimeoutError(f"{what} did not come true in {PATIENCE:.0f} s")
        time.sleep(0.2)
        if after_a_kill is None or now - looked < EVERY:
            continue
        looked, before = now, seen
        seen = changes()
        if seen != before:
            since = now
        elif now - since > STILL:
            kill(everything(after_a_kill))
            start_after_a_kill(after_a_kill)
            since = time.monotonic()


def under_way(label: str, *, number: int) -> Callable[[], bool]:
    """Whether at least ``number`` processes of that name exist, the newest of them not ended."""

    def look() -> bool:
        query = orm.QueryBuilder().append(
            orm.ProcessNode, filters={"attributes.process_label": label}, project="attributes.process_state"
        )
        states = query.all(flat=True)
        return len(states) >= number and any(state in {"created", "running", "waiting"} for state in states)

    return look
