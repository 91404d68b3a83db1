"""A look at a running relaxation: a cell that has run away is stopped, not calculated to its end.

AiiDA calls monitors while it looks at a job. An engine's own reads the file in which its program leaves the cell of
every ionic step; what it has read is judged here, as the stage's end would be judged.
"""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from aiida import orm
from aiida.transports import Transport

from aiida_mlhull.science.dft.limits import Limits, unphysical
from aiida_mlhull.science.types.crystals import Floats


def cell_monitor(entry_point: str, lattice: Any, limits: Limits, *, every: int) -> dict[str, Any]:
    """What AiiDA is given so that it calls an engine's monitor.

    Args:
        entry_point: of the monitor; it takes ``lattice``, ``volume_ratio`` and ``min_distance``.
        lattice: (3, 3) Å, the cell that goes in.
        limits: of the stage.
        every: seconds between two looks.
    """
    return {
        "entry_point": entry_point,
        "minimum_poll_interval": every,
        "kwargs": {
            "lattice": np.asarray(lattice).tolist(),
            "volume_ratio": limits.volume_ratio,
            "min_distance": limits.min_distance,
        },
    }


def why_stop(
    before: list[list[float]], lattice: Floats, frac_coords: Floats, *, volume_ratio: float, min_distance: float
) -> str | None:
    """Why a job is to be stopped, or None.

    Args:
        before: (3, 3) Å, the cell that the stage began with.
        lattice: (3, 3) Å, the cell at hand.
        frac_coords: (N, 3) in it.
        volume_ratio: see :class:`~aiida_mlhull.science.dft.limits.Limits`.
        min_distance: Å, likewise.
    """
    limits = Limits(volume_ratio=volume_ratio, min_distance=min_distance)
    return unphysical(np.asarray(before), lattice, frac_coords, limits=limits) or None


def fetched(node: orm.CalcJobNode, transport: Transport, name: str) -> str:
    """A file of a running job as it is now; empty where there is none yet."""
    there = PurePosixPath(str(node.get_remote_workdir())) / name
    if not transport.isfile(str(there)):
        return ""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder) / name
        transport.getfile(str(there), str(here))
        return here.read_text(encoding="utf-8", errors="replace")
