"""A PostgreSQL server of one's own, whose processes may be killed: one that is shared would lose all its connections."""

# ruff: noqa: PLC0415  (only some of the benchmarks need psycopg)

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

DEBIAN: Final = "/usr/lib/postgresql/*/bin/initdb"
USER: Final = "postgres"
PATIENCE: Final = 120.0
"""Seconds until a server that starts or recovers takes connections."""


def programs() -> Path:
    """Folder of the server's programs.

    Raises:
        FileNotFoundError: if there are none.
    """
    found = [shutil.which("initdb"), *sorted(map(str, Path("/").glob(DEBIAN.lstrip("/"))), reverse=True)]
    known = [Path(path).parent for path in found if path is not None]
    if not known:
        raise FileNotFoundError(f"neither the PATH nor {DEBIAN} has PostgreSQL's programs")
    return known[0]


@contextmanager
def own_server() -> Iterator[int]:
    """A server in a temporary folder; the variables ``PG...`` name it, and all of it is gone afterwards.

    PostgreSQL refuses to be run by root, in whose stead the user ``postgres`` runs it.

    Yields:
        The server's port.
    """
    whose: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
    silent: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with tempfile.TemporaryDirectory() as folder:
        if whose:
            shutil.chown(folder, USER, USER)
        data, bins = Path(folder) / "data", programs()
        make = [str(bins / "initdb"), "-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8"]
        subprocess.run(make, check=True, cwd=folder, **silent, **whose)  # noqa: S603
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        serve = [str(bins / "postgres"), "-D", str(data), "-p", str(port), "-k", folder]
        process = subprocess.Popen(serve, cwd=folder, **silent, **whose)  # noqa: S603
        try:
            place = {"host": "127.0.0.1", "port": port, "user": USER}
            os.environ.update({f"PG{key.upper()}": str(value) for key, value in place.items()})
            wait_for_postgres(place)
            yield port
        finally:
            process.send_signal(signal.SIGINT)  # its fast way to end
            process.wait(PATIENCE)


def wait_for_postgres(place: Mapping[str, Any]) -> None:
    """Return when a server takes connections.

    Args:
        place: of the server, as ``psycopg.connect`` takes it.

    Raises:
        TimeoutError: if it doesn't in two minutes.
    """
    import psycopg

    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with psycopg.connect(**place, dbname="postgres", connect_timeout=5):
                return
        except psycopg.OperationalError:
            time.sleep(0.2)
    raise TimeoutError(f"PostgreSQL took no connection in {PATIENCE:.0f} s")
