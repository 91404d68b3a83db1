"""A look at a running relaxation: the screen output, where pw.x writes the cell of every ionic step."""

from __future__ import annotations

from typing import Final

from aiida import orm
from aiida.transports import Transport

from aiida_mlhull.job_pool.watch import fetched, why_stop
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
    cell = last_cell(fetched(node, transport, str(node.get_option("output_filename"))))
    if cell is None:
        return None
    return why_stop(lattice, *cell, volume_ratio=volume_ratio, min_distance=min_distance)
