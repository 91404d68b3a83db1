"""The line to a server that has the potential loaded: JSON, one message per line. Standard library only."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TextIO

from aiida_mlhull.standin.events import InputTexts, ServerEvent, unpacked
from aiida_mlhull.standin.place import UnsafePlaceError, listening_place

SERVER: Final = "MLHULL_STANDIN_SERVER"
"""Environment variable: ``use`` a server if there is one (the default), ``start`` one if there is none, ``never``."""

STARTING_SECONDS: Final = 90.0
_POLL_SECONDS: Final = 0.05

ASK: Final = "ask"
RUN, STATUS, STOP = "run", "status", "stop"


class BrokenLineError(ConnectionError):
    """The server went away in the middle of a job."""


def events_from_server(inputs: InputTexts, *, stop: Callable[[], str]) -> Iterator[ServerEvent] | None:
    """A job's events from a server; None if there is none, or none is to be used.

    Args:
        inputs: the texts.
        stop: asked after every ionic step.

    Raises:
        BrokenLineError: while iterating, if the server goes away.
    """
    mode = os.environ.get(SERVER, "use")
    if mode == "never":
        return None
    try:
        place = listening_place()
    except UnsafePlaceError as error:
        sys.stderr.write(f"no server is asked: {error}\n")
        return None
    line = connect(place) or (start(place) if mode == "start" else None)
    return None if line is None else _listen(line, inputs, stop)


def _listen(line: socket.socket, inputs: InputTexts, stop: Callable[[], str]) -> Iterator[ServerEvent]:
    try:
        with line, line.makefile("rw", encoding="utf-8") as stream:
            send(stream, {"want": RUN, "inputs": asdict(inputs)})
            for text in stream:
                message = json.loads(text)
                if message["do"] == ASK:
                    send(stream, {"stop": stop()})
                else:
                    yield unpacked(message)
    except (ConnectionError, ValueError) as error:
        raise BrokenLineError(f"the server went away: {error}") from error
    raise BrokenLineError("the server went away")


def send(stream: TextIO, message: dict[str, Any]) -> None:
    """Send one message at once."""
    stream.write(json.dumps(message) + "\n")
    stream.flush()


def request(place: Path, want: str) -> dict[str, Any] | None:
    """The answer of the server at ``place`` to a short question; None if there is no server."""
    line = connect(place)
    if line is None:
        return None
    with line, line.makefile("rw", encoding="utf-8") as stream:
        send(stream, {"want": want})
        answer: dict[str, Any] = json.loads(stream.readline())
    return answer


def connect(place: Path) -> socket.socket | None:
    """A line to the server at ``place``; None if none listens there."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.connect(str(place))
    except OSError:
        line.close()
        return None
    return line


def start(place: Path) -> socket.socket | None:
    """Start a server, unless another process is just doing so, and wait for it; None if none comes."""
    starter: subprocess.Popen[bytes] | None = None
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until:
        if line := connect(place):
            return line
        if starter is None or starter.poll() is not None:
            if starter is not None and starter.returncode:
                return None  # its log says why
            with alone(place) as free:
                pass
            if free:
                starter = _spawn(place)
        time.sleep(_POLL_SECONDS)
    return None


def _spawn(place: Path) -> subprocess.Popen[bytes]:
    """A server of its own session, so that it outlives the job that started it."""
    with place.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "aiida_mlhull.standin", "serve"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=place.parent,
            start_new_session=True,
        )


@contextmanager
def alone(place: Path) -> Iterator[bool]:
    """Hold the lock that a server holds as long as it lives; False if another process has it."""
    with place.with_suffix(".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
