"""A look at a running relaxation: a cell that has run away is stopped, not calculated to its end.

AiiDA calls monitors while it looks at a job. This one reads CONTCAR, which VASP writes again after every ionic
step, and judges its cell as the stage's end would be judged. Energies are not watched: a relaxation's energy
only tells what is hopeless when it is over.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
from aiida import orm
from aiida.transports import Transport
from pymatgen.io.vasp.inputs import BadPoscarWarning, Poscar

from aiida_mlhull.science.dft.limits import Limits, unphysical

CELL_MONITOR: Final = "mlhull.vasp_cell"
"""Its name among AiiDA's monitors."""

CELL_FILE: Final = "CONTCAR"


def watch_cell(
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
    text = _fetched(node, transport)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of coordinates without a line that names the elements
            cell = Poscar.from_str(text).structure
    except (ValueError, IndexError, BadPoscarWarning):  # before the first step, or in the midst of being written
        return None
    limits = Limits(volume_ratio=volume_ratio, min_distance=min_distance)
    after, coordinates = np.asarray(cell.lattice.matrix), np.asarray(cell.frac_coords)
    return unphysical(np.asarray(lattice), after, coordinates, limits=limits) or None


def cell_monitor(lattice: Any, limits: Limits, *, every: int) -> dict[str, Any]:
    """What AiiDA is told so that it calls :func:`watch_cell`.

    Args:
        lattice: (3, 3) Å, the cell that goes in.
        limits: of the stage.
        every: seconds between two looks.
    """
    return {
        "entry_point": CELL_MONITOR,
        "minimum_poll_interval": every,
        "kwargs": {
            "lattice": np.asarray(lattice).tolist(),
            "volume_ratio": limits.volume_ratio,
            "min_distance": limits.min_distance,
        },
    }


def _fetched(node: orm.CalcJobNode, transport: Transport) -> str:
    """The cell's file as it is now; empty where there is none yet."""
    there = PurePosixPath(str(node.get_remote_workdir())) / CELL_FILE
    if not transport.isfile(str(there)):
        return ""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder) / CELL_FILE
        transport.getfile(str(there), str(here))
        return here.read_text(encoding="utf-8", errors="replace")
