"""The command ``mlhull-vasp-standin``: without arguments it runs the job in the current folder, as VASP does."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiida_mlhull.science.errors import MlhullError
from aiida_mlhull.science.not_vasp import NOT_VASP, PROGRAM, VERSION
from aiida_mlhull.standin.folder import FAULTS, WALL_TIME, Folder, limit_wall_time, wall_time
from aiida_mlhull.standin.link import (
    SERVER,
    STATUS,
    STOP,
    BrokenLineError,
    events_from_server,
    request,
)
from aiida_mlhull.standin.place import HOME, UnsafePlaceError, listening_place

if TYPE_CHECKING:
    from aiida_mlhull.science.relaxation.chgnet.network import CHGNetNetwork
    from aiida_mlhull.standin.events import InputTexts, ServerEvent

# What follows is imported when a job runs, so that the command starts at once.
# ruff: noqa: PLC0415

REFUSED: Final = 1
IDLE_SECONDS: Final = 600.0
"""After so long without a job a server ends."""

THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
RANKS: Final = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID")
EPILOG: Final = f"""\
Without a command it runs the job in the current folder, as VASP does.

environment:
  {SERVER}    use (default): ask a server if there is one; start: start one; never
  {HOME}      folder of the server's socket (default ~/.cache/aiida-mlhull)
  {WALL_TIME}  seconds after which a job is killed
  {FAULTS}    failures on request: 'killed in TiN unless restarted; electronic in 5%%'
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job in the current folder, or look after the server."""
    asked = _parser().parse_args(arguments)
    # More threads a process are slower, and sum in another order; must be set before numpy is loaded.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        if asked.task is None:
            return run_here(Path.cwd())
        if asked.task == "serve":
            return _serve(asked.idle)
        answer = request(listening_place(), STATUS if asked.task == "status" else STOP)
    except (MlhullError, UnsafePlaceError) as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return REFUSED
    sys.stdout.write(f"{json.dumps(answer) if answer else 'no server'}\n")
    return 0 if answer or asked.task == "stop" else REFUSED


def run_here(path: Path) -> int:
    """Run the job in folder ``path``; the status that the process ends with.

    Raises:
        MissingExtraError: if the potential is not installed, and no server has it.
    """
    if any(os.environ.get(rank, "0") != "0" for rank in RANKS):
        return 0  # one of many that a parallel launcher started; the first does the work
    limit_wall_time(wall_time(path))
    folder = Folder(path)
    try:
        inputs = folder.inputs()
    except FileNotFoundError as error:
        sys.stderr.write(f"{PROGRAM}: {Path(str(error.filename)).name} is missing\n")
        return REFUSED
    events = events_from_server(inputs, stop=folder.stop)
    if events is not None:
        try:
            return folder.carry_out(events)
        except BrokenLineError as error:
            sys.stderr.write(f"{error}; once more from the start, in this process\n")
    folder = Folder(path)
    return folder.carry_out(_events_from_here(inputs, folder))


def _events_from_here(inputs: InputTexts, folder: Folder) -> Iterator[ServerEvent]:
    """A job's events, computed in this process."""
    from aiida_mlhull.standin.run import run

    return run(inputs, load_potential(), stop=folder.stop)


def _serve(idle_seconds: float) -> int:
    from aiida_mlhull.standin.server import serve

    place = listening_place()
    if not serve(place, load_potential, idle_seconds=idle_seconds):
        sys.stderr.write(f"a server is there already, at {place}\n")
    return 0


def load_potential() -> CHGNetNetwork:
    """The potential, loaded into this process.

    Raises:
        MissingExtraError: if it is not installed.
    """
    import torch

    from aiida_mlhull.science.relaxation.chgnet.network import CHGNetNetwork

    torch.set_num_threads(1)
    return CHGNetNetwork(torch.device("cpu"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=f"{NOT_VASP}. Speaks VASP's files in front of a universal potential, to rehearse campaigns.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=VERSION)
    tasks = parser.add_subparsers(dest="task", metavar="COMMAND")
    serve = tasks.add_parser("serve", help="keep the potential loaded for jobs of this user, until idle")
    serve.add_argument("--idle", type=float, default=IDLE_SECONDS, metavar="SECONDS", help="(default %(default)g)")
    tasks.add_parser("status", help="tell whether a server is there, and what it has done")
    tasks.add_parser("stop", help="let the server finish its jobs and end")
    return parser
