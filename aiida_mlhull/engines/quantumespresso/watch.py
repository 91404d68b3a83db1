"""A look at a running relaxation: a cell that has run away is stopped, not calculated to its end.

AiiDA calls monitors while it looks at a job. This one reads the screen output, where pw.x writes the cell of every
ionic step, and judges it as the stage's end would be judged.
"""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
from aiida import orm
from aiida.transports import Transport

from aiida_mlhull.science.dft.limits import Limits, unphysical
from aiida_mlhull.science.espresso.progress import last_cell

ESPRESSO_MONITOR: Final = "mlhull.espresso_cell"
"""Its name among AiiDA's monitors."""


def watch_espresso_cell(
    node: orm.CalcJobNode, transport: Transport, lattice: list[list[float]], volume_ratio: float, min_distance: float
) -> str | None:
    """Why a job is to be stopped, or None.

    Args:
        node: the job.
        transport: to the computer that it runs on.
        lattice: (3, 3) Å, the cell that the stage began with.
        volume_ratio: see :class:`~aiida_mlhull.science.dft.limits.Limits`.
        min_distance: Å, likewise.
    """
    cell = last_cell(_screen(node, transport))
    if cell is None:
        return None
    limits = Limits(volume_ratio=volume_ratio, min_distance=min_distance)
    return unphysical(np.asarray(lattice), *cell, limits=limits) or None


def espresso_monitor(lattice: Any, limits: Limits, *, every: int) -> dict[str, Any]:
    """What AiiDA is given so that it calls :func:`watch_espresso_cell`.

    Args:
        lattice: (3, 3) Å, the cell that goes in.
        limits: of the stage.
        every: seconds between two looks.
    """
    return {
        "entry_point": ESPRESSO_MONITOR,
        "minimum_poll_interval": every,
        "kwargs": {
            "lattice": np.asarray(lattice).tolist(),
            "volume_ratio": limits.volume_ratio,
            "min_distance": limits.min_distance,
        },
    }


def _screen(node: orm.CalcJobNode, transport: Transport) -> str:
    """The output as it is now; empty where there is none yet."""
    name = str(node.get_option("output_filename"))
    there = PurePosixPath(str(node.get_remote_workdir())) / name
    if not transport.isfile(str(there)):
        return ""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder) / name
        transport.getfile(str(there), str(here))
        return here.read_text(encoding="utf-8", errors="replace")
