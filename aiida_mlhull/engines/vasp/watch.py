"""A look at a running relaxation: CONTCAR, which VASP writes again after every ionic step.

Energies are not watched: a relaxation's energy only tells what is hopeless when it is over.
"""

from __future__ import annotations

import warnings
from typing import Final

import numpy as np
from aiida import orm
from aiida.transports import Transport
from pymatgen.io.vasp.inputs import BadPoscarWarning, Poscar

from aiida_mlhull.job_pool.watch import fetched, why_stop

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
    text = fetched(node, transport, CELL_FILE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of coordinates without a line that names the elements
            cell = Poscar.from_str(text).structure
    except (ValueError, IndexError, BadPoscarWarning):  # before the first step, or in the midst of being written
        return None
    after = np.asarray(cell.lattice.matrix), np.asarray(cell.frac_coords)
    return why_stop(lattice, *after, volume_ratio=volume_ratio, min_distance=min_distance)
