"""Jobs of ``mlhull-job`` in processes that have its libraries loaded: tests run hundreds, and each would load them anew.

A server has imported what is slow to import, nothing of this package. :func:`quick_program` is a script to stand where a
code's program does: it hands arguments, folder, environment and streams to the server, which forks, and the fork runs the
program's own entry. Signals reach the job, and its status comes back. What a job does with its libraries' import, with
threads and with memory is for tests of the installed program, which are many.
"""

from __future__ import annotations

import ast
import atexit
import gc
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from typing import Final

PROGRAM: Final = Path(sys.executable).with_name("mlhull-job")

LIBRARIES: Final = (
    "chgnet.model",
    "numba",
    "pandas",
    "pyarrow.parquet",
    "pydantic",
    "pymatgen.core",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.ensemble",
    "sklearn.gaussian_process",
    "torch",
)
LENGTH: Final = 8
"""Bytes that say how long the words are which follow."""

SCRIPT: Final = """\
#!{python} -IS
import os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
try:
    server.connect({address!r})
except OSError:
    os.execv({program!r}, [{program!r}, *sys.argv[1:]])
asked = repr((sys.argv[1:], os.getcwd(), dict(os.environ))).encode()
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(number, lambda number, _: server.sendall(bytes([number])))
socket.send_fds(server, [len(asked).to_bytes({length}, "big")], [0, 1, 2])
server.sendall(asked)
status = server.recv(1)
if not status:
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(status[0])
"""


@lru_cache(maxsize=1)
def quick_program() -> Path:
    """The script, which is there as long as this process lives; without the server it starts the installed program."""
    folder = Path(tempfile.mkdtemp(prefix="mlhull-jobs-"))
    script, address = folder / PROGRAM.name, str(folder / "server")
    python = os.path.realpath(sys.executable)
    script.write_text(SCRIPT.format(python=python, address=address, program=str(PROGRAM), length=LENGTH))
    script.chmod(0o755)
    atexit.register(rmtree, folder, ignore_errors=True)
    words = [sys.executable, "-m", __name__, address]
    root = Path(__file__).parents[1]
    # It ends when the pipe to it does, which this process holds, and no other.
    server = subprocess.Popen(words, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    server.stdout.close()
    return script


def serve(address: str) -> None:
    """Fork a job for whoever asks, until standard input ends."""
    for name in LIBRARIES:
        if find_spec(name.partition(".")[0]):
            import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            ready, _, _ = select.select([listening, 0], [], [])
            if 0 in ready:
                break
            asking, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                os._exit(do(asking))
            asking.close()
    Path(address).unlink()


def do(asking: socket.socket) -> int:
    """Run the program's entry as the process that asks would have."""
    said, streams, _, _ = socket.recv_fds(asking, LENGTH, 3)
    left, words = int.from_bytes(said, "big"), b""
    while len(words) < left:
        words += asking.recv(left - len(words))
    arguments, folder, environment = ast.literal_eval(words.decode())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [str(PROGRAM), *arguments]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    threading.Thread(target=heed, args=(asking,), daemon=True).start()
    status = 1
    try:
        from aiida_mlhull.science.program import main

        status = main(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  (as the interpreter does it)
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    asking.sendall(bytes([status]))
    return status


def heed(asking: socket.socket) -> None:
    """Hand on the signals that who asks has got; without it there is no job."""
    while number := asking.recv(1):
        os.kill(os.getpid(), number[0])
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve(sys.argv[1])
