"""The command line, and the one place where a job's end is written down, good or bad."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aiida_mlhull.science.errors import MlhullError
    from aiida_mlhull.science.wire import JobFolder

# What follows is imported when a job runs, so that --help answers at once and without torch.
# ruff: noqa: PLC0415

REFUSED: Final = 1
TASKS: Final = {
    "fit": "fit members of an ensemble",
    "predict": "predict candidates with all members of an ensemble",
    "relax": "relax crystals with a universal potential; goes on where an earlier run was stopped",
    "make_cells": "make cells for candidates that were chosen as labels",
    "fit_products": "fit an ensemble that says what comes out of recipes",
    "predict_products": "say what comes out of recipes",
}
THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
EPILOG: Final = """\
FOLDER holds job.json and the tables that it names. Results are written there, then done.json with
their row counts: a folder without it is incomplete. A job that refuses writes refused.json, which states
why, and ends with status 1. Progress goes to standard output.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job; the status is 0 if its results are there and whole."""
    asked = _parser().parse_args(arguments)
    # More threads a process are slower, and sum in another order; must be set before numpy is loaded.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    return run_job(asked.folder, asked.task)


def _parser() -> argparse.ArgumentParser:
    from aiida_mlhull import __version__

    parser = argparse.ArgumentParser(
        prog="mlhull-job",
        description="What aiida-mlhull runs on a compute node.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"aiida-mlhull {__version__}")
    tasks = parser.add_subparsers(dest="task", required=True, metavar="TASK")
    for name, what in TASKS.items():
        task = tasks.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
        task.add_argument("folder", type=Path, metavar="FOLDER", help="the job's folder")
    return parser


def run_job(path: Path, task: str) -> int:
    """Do what ``job.json`` in folder ``path`` says, and write down how it ended."""
    from aiida_mlhull.science.program.failures import CAUGHT, recognized
    from aiida_mlhull.science.wire import JobFolder

    if not path.is_dir():
        sys.stderr.write(f"mlhull-job: {path} is not a folder\n")
        return REFUSED
    folder = JobFolder(path)
    try:
        with folder.room_for_a_refusal(), stoppable():
            complete(folder, task)
    except CAUGHT as error:
        failure = recognized(error)
        if failure is None:
            raise
        return refuse(folder, failure)
    return 0


def complete(folder: JobFolder, task: str) -> None:
    """Run the task and write the completion marker."""
    from aiida_mlhull.science.errors import WireError
    from aiida_mlhull.science.program import facts
    from aiida_mlhull.science.program.progress import say
    from aiida_mlhull.science.types.strict import validated
    from aiida_mlhull.science.wire.folder import DONE_FILE, JOB_FILE, REFUSED_FILE

    started = time.perf_counter()
    for marker in (DONE_FILE, REFUSED_FILE):
        (folder.path / marker).unlink(missing_ok=True)
    written_for, settings = folder.task()
    if written_for != task:
        raise WireError(f"{JOB_FILE} was written for 'mlhull-job {written_for}', not '{task}'")
    settings_class, run = _task(task)
    job = validated(settings_class, settings, what=JOB_FILE)
    facts.check_device(job.device)
    with deadline(job.stop_after):
        rows, found = run(folder, job)
    found |= {
        "versions": facts.versions(),
        "wall_seconds": round(time.perf_counter() - started, 3),
        "peak_memory_mib": facts.peak_memory_mib(),
    }
    folder.finish(rows, **found)
    say(f"{task} done after {found['wall_seconds']:.1f} s on {found['device']}")


def _task(name: str) -> tuple[Any, Callable[..., Any]]:
    """Settings class and function of a task; only what the task needs is loaded."""
    from aiida_mlhull.science.program import settings

    if name == "fit":
        from aiida_mlhull.science.program.fit import run as fit

        return settings.FitJob, fit
    if name == "predict":
        from aiida_mlhull.science.program.predict import run as predict

        return settings.PredictJob, predict
    if name == "make_cells":
        from aiida_mlhull.science.program.cells import run as make_cells

        return settings.MakeCellsJob, make_cells
    if name in {"fit_products", "predict_products"}:
        from aiida_mlhull.science.program import products

        fitting = settings.FitProductsJob, products.fit
        return fitting if name == "fit_products" else (settings.PredictProductsJob, products.predict)
    from aiida_mlhull.science.program.relax import run as relax

    return settings.RelaxJob, relax


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn the signals that end a job into an error that can be written down."""
    from aiida_mlhull.science.errors import StoppedError
    from aiida_mlhull.science.program.workers import STOPPING_SIGNALS

    def stop(number: int, _: FrameType | None) -> None:
        raise StoppedError(f"the job was stopped by {signal.Signals(number).name}")

    before = {number: signal.signal(number, stop) for number in STOPPING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Stop after ``seconds``, as a scheduler would, but early enough to say so; None never stops."""
    if seconds is None:
        yield
        return
    from aiida_mlhull.science.errors import StoppedError

    def stop(_: int, __: FrameType | None) -> None:
        raise StoppedError(f"the job stopped by itself after {seconds:g} s, shortly before its time was over")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def refuse(folder: JobFolder, error: MlhullError) -> int:
    """Write down why there is no result."""
    folder.refuse(error)
    sys.stderr.write(f"mlhull-job: {error.label()}: {error}\n")
    return REFUSED
