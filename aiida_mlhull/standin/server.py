"""A process that has the potential loaded and does jobs for others of the same user.

Loading torch and the network takes seconds, a relaxation of a small crystal less. Jobs are done side by
side in threads, on one core: next to AiiDA's own work for every job that is plenty. The server touches no
job's folder: the job's own process writes, so that it can be stopped, killed and accounted for like VASP.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingMixIn, UnixStreamServer
from typing import Any, Final

from aiida_mlhull.science.not_vasp import NOT_VASP, VERSION
from aiida_mlhull.science.relaxation.chgnet.network import CHGNetNetwork
from aiida_mlhull.standin.events import InputTexts, packed
from aiida_mlhull.standin.link import ASK, RUN, STATUS, STOP, alone
from aiida_mlhull.standin.run import run

LARGEST_REQUEST: Final = 2**26
_POLL_SECONDS: Final = 0.2
_SHARE_OF_LIMIT: Final = 0.8

WARM_UP: Final = InputTexts(
    incar="ISPIN = 2\n",
    poscar="MgO\n4.2\n0 .5 .5\n.5 0 .5\n.5 .5 0\nMg O\n1 1\nDirect\n0 0 0\n.5 .5 .5\n",
    kpoints=None,
    potcar="TITEL = PAW_PBE Mg\nPOMASS = 24; ZVAL = 2\nTITEL = PAW_PBE O\nPOMASS = 16; ZVAL = 6\n",
    restarted=False,
    faults="",
)
"""A job that makes everything load that jobs need."""


@dataclass
class Ledger:
    """What the server's threads share.

    Attributes:
        started: by the clock.
        running: jobs at this moment.
        done: jobs that came to their end, good or bad.
        last: when a job last came or went, by the monotonic clock.
        stopping: whether no more jobs are taken.
    """

    started: datetime = field(default_factory=lambda: datetime.now().astimezone())
    running: int = 0
    done: int = 0
    last: float = field(default_factory=time.monotonic)
    stopping: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, *, running: int = 0, done: int = 0) -> None:
        """Count."""
        with self._lock:
            self.running += running
            self.done += done
            self.last = time.monotonic()

    def report(self) -> dict[str, Any]:
        """The server's state, for queries."""
        return {
            "pid": os.getpid(),
            "version": VERSION,
            "started": f"{self.started:%Y-%m-%d %H:%M:%S}",
            "running": self.running,
            "done": self.done,
        }


class _Handler(StreamRequestHandler):
    """One caller."""

    server: _Server

    def handle(self) -> None:
        """Answer one request; a caller that hangs up ends its job."""
        text = self.rfile.readline(LARGEST_REQUEST)
        message = json.loads(text)
        if message["want"] == RUN:
            self._run(InputTexts(**message["inputs"]))
        elif message["want"] == STOP:
            self.server.ledger.stopping = True
            self._send(self.server.ledger.report())
        elif message["want"] == STATUS:
            self._send(self.server.ledger.report())

    def _run(self, inputs: InputTexts) -> None:
        ledger = self.server.ledger
        ledger.note(running=1)
        try:
            for event in run(inputs, self.server.network, stop=self._stop):
                self._send(packed(event))
        except ConnectionError:
            sys.stderr.write("a caller hung up\n")
        finally:
            ledger.note(running=-1, done=1)

    def _stop(self) -> str:
        self._send({"do": ASK})
        answer = self.rfile.readline()
        if not answer:
            raise ConnectionResetError("the caller is gone")
        return str(json.loads(answer)["stop"])

    def _send(self, message: dict[str, Any]) -> None:
        self.wfile.write(json.dumps(message).encode() + b"\n")


class _Server(ThreadingMixIn, UnixStreamServer):
    """Listens for callers of the same user."""

    daemon_threads = True
    request_queue_size = 128
    timeout = _POLL_SECONDS

    def __init__(self, place: Path, network: CHGNetNetwork) -> None:
        self.network = network
        self.ledger = Ledger()
        super().__init__(str(place), _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002  (socketserver's signature)
        """Whether the caller is the same user; the folder's permissions say so already."""
        if not hasattr(socket, "SO_PEERCRED"):  # Linux only
            return True
        size = struct.calcsize("3i")
        _, user, _ = struct.unpack("3i", request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        return bool(user == os.geteuid())


def serve(place: Path, load: Callable[[], CHGNetNetwork], *, idle_seconds: float) -> bool:
    """Serve until no request came for ``idle_seconds``, or one says stop; False if another server does already.

    Args:
        place: the socket's path.
        load: the potential.
        idle_seconds: how long to wait for the next job.
    """
    with alone(place) as free:
        if not free:
            return False
        network = load()
        for _ in run(WARM_UP, network, stop=str):
            pass
        place.unlink(missing_ok=True)  # of a server that was killed
        before = os.umask(0o177)
        server = _Server(place, network)
        os.umask(before)
        sys.stderr.write(f"{NOT_VASP}: listening at {place}\n")
        try:
            _accept(server, idle_seconds)
        finally:
            place.unlink(missing_ok=True)
            server.server_close()
    # From here on another server may start, while this one's last jobs come to their end.
    while server.ledger.running:
        time.sleep(_POLL_SECONDS)
    return True


def _accept(server: _Server, idle_seconds: float) -> None:
    """Take jobs until it is time to end."""
    ledger = server.ledger
    while not ledger.stopping:
        server.handle_request()
        idle = not ledger.running and time.monotonic() - ledger.last > idle_seconds
        ledger.stopping |= idle or _nearly_spent()


def _nearly_spent() -> bool:
    """Whether a limit of processor time, inherited from the job that started the server, will soon be reached."""
    limit = resource.getrlimit(resource.RLIMIT_CPU)[0]
    return limit != resource.RLIM_INFINITY and time.process_time() > _SHARE_OF_LIMIT * limit
