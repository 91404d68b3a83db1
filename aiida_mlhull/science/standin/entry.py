"""The command ``mlhull-vasp-standin``: without arguments it runs the job in the current folder, as VASP does."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiida_mlhull.science.standin.folder import FAULTS, WALL_TIME, Folder, limit_wall_time, wall_time
from aiida_mlhull.science.standin.wording import NOT_VASP, PROGRAM, VERSION

if TYPE_CHECKING:
    from aiida_mlhull.science.relaxation.chgnet_network import CHGNetNetwork

# What follows is imported when a job runs, so that the command starts at once.
# ruff: noqa: PLC0415

REFUSED: Final = 1
THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
RANKS: Final = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job in the current folder."""
    _parser().parse_args(arguments)
    return run_here(Path.cwd())


def run_here(path: Path) -> int:
    """Run the job in folder ``path``; the status that the process ends with."""
    if any(os.environ.get(rank, "0") != "0" for rank in RANKS):
        return 0  # one of many that a parallel launcher started; the first does the work
    limit_wall_time(wall_time())
    folder = Folder(path)
    try:
        inputs = folder.inputs()
    except FileNotFoundError as error:
        sys.stderr.write(f"{PROGRAM}: {Path(str(error.filename)).name} is missing\n")
        return REFUSED
    from aiida_mlhull.science.standin.run import run

    return folder.carry_out(run(inputs, load_potential(), stop=folder.stop))


def load_potential() -> CHGNetNetwork:
    """The potential, loaded into this process.

    Raises:
        MissingExtraError: if it is not installed.
    """
    os.environ.update(dict.fromkeys(THREADS, "1"))
    import torch

    from aiida_mlhull.science.relaxation.chgnet_network import CHGNetNetwork

    torch.set_num_threads(1)
    return CHGNetNetwork(torch.device("cpu"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=f"{NOT_VASP}. Speaks VASP's files in front of a universal potential, to rehearse campaigns.",
        epilog=f"Environment: {FAULTS} asks for failures, {WALL_TIME} limits the time (seconds).",
    )
    parser.add_argument("--version", action="version", version=VERSION)
    return parser
