"""Several processes of one thread each, whose results come back one by one as they are made.

By hand and not by ``concurrent.futures``: its executors hand a share's results over when the share is done (a killed job
would lose members that were fitted), don't say which signal ended a worker, and leave workers running that none waits
for any more.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final, TypeVar

from aiida_mlhull.science.errors import MlhullError, OutOfMemoryError, StoppedError
from aiida_mlhull.science.program.failures import CAUGHT, recognized

R = TypeVar("R")
S = TypeVar("S")

STOPPING_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU)
DONE: Final = "done"


def available_cores() -> int:
    """Cores that this process may use, which a scheduler can make fewer than the node has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def dealt(items: Sequence[S], hands: int) -> list[list[S]]:
    """``items`` dealt out in turns to at most ``hands`` hands, none of them empty."""
    return [list(items[hand::hands]) for hand in range(min(hands, len(items)))]


def stream(work: Callable[[S], Iterator[R]], shares: Sequence[S]) -> Iterator[R]:
    """Results of ``work`` on every share, each share in a process of its own, in the order they come.

    A single share is worked on here. Whatever ends the iteration early also ends the processes.

    Args:
        work: an importable callable that can be pickled.
        shares: one for each process.

    Raises:
        MlhullError: what a process raised, as it is.
        OutOfMemoryError: if a process was killed.
        StoppedError: if a process was stopped by a signal meant for the job.
    """
    if len(shares) == 1:
        yield from work(shares[0])
        return
    # Not forked: a copy of a process that has run torch hangs in its thread pools.
    context = get_context("spawn")
    running: dict[Connection, BaseProcess] = {}
    try:
        for share in shares:
            receiver, sender = context.Pipe(duplex=False)
            process: BaseProcess = context.Process(target=_serve, args=(sender, work, share), daemon=True)
            process.start()
            sender.close()
            running[receiver] = process
        while running:
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                message = _receive(ready, running[ready])
                if message == DONE:
                    running.pop(ready).join()
                else:
                    yield message[0]
    finally:
        for process in running.values():
            process.terminate()
            process.join()


def _serve(sender: Connection, work: Callable[[S], Iterator[R]], share: S) -> None:
    """Send every result, then the end; a refusal travels as it is."""
    # Ctrl-C goes to the whole group; the first process alone says so and ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for result in work(share):
            sender.send((result,))
        sender.send(DONE)
    except CAUGHT as error:
        failure = recognized(error)
        if failure is None:
            raise
        sender.send(failure)


def _receive(ready: Connection, process: BaseProcess) -> Any:
    """A message that is not an error.

    Raises:
        MlhullError: the one that was sent, or what the process's sudden end means.
    """
    try:
        message = ready.recv()
    except EOFError:
        process.join()
        raise _sudden_end(process.exitcode or 0) from None
    if isinstance(message, MlhullError):
        raise message
    return message


def _sudden_end(exitcode: int) -> Exception:
    if exitcode == -signal.SIGKILL:
        return OutOfMemoryError("a process of this job was killed, most often for want of memory; use fewer processes")
    if -exitcode in STOPPING_SIGNALS:
        return StoppedError(f"a process of this job was stopped by signal {-exitcode}")
    return RuntimeError(f"a process of this job ended with status {exitcode}; its traceback stands above")
