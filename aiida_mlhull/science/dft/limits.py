"""When a candidate is stopped: what is hopeless, and what has ceased to be a cell."""

from __future__ import annotations

from typing import Final

import numpy as np
from pydantic import Field
from pymatgen.optimization.neighbors import find_points_in_spheres

from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason, with_detail
from aiida_mlhull.science.types.strict import Strict

_SELF: Final = 1e-8
_PERIODIC: Final = np.ones(3, dtype=np.int64)


class Limits(Strict):
    """When a candidate is stopped: after a stage, and while it runs for what its cell shows.

    Attributes:
        volume_ratio: factor by which the volume may grow or shrink in one stage. (Of published relaxations of
            substituted prototypes, which keep their parents' volumes, the largest is 12.8.)
        min_distance: Å; atoms that are closer make a cell unphysical.
        hopeless_above: eV/atom above the hull of the references; None never gives up for the energy. The
            stage's energies and the references' need not be of one scheme, so small values are refused.
    """

    volume_ratio: float = Field(default=16.0, gt=1)
    min_distance: float = Field(default=0.5, gt=0)
    hopeless_above: float | None = Field(default=None, ge=0.3)


def unphysical(before: Floats, after: Floats, frac_coords: Floats, *, limits: Limits) -> str:
    """What is wrong with a cell that came out of a stage; empty if nothing.

    Args:
        before: (3, 3) Å, the cell that went in.
        after: (3, 3) Å.
        frac_coords: (N, 3), after.
        limits: what is allowed.
    """
    if not (np.isfinite(after).all() and np.isfinite(frac_coords).all()):
        return with_detail(Reason.UNPHYSICAL_CELL, "not finite")
    if np.linalg.det(after) * np.linalg.det(before) <= 0:
        return with_detail(Reason.UNPHYSICAL_CELL, "turned inside out")
    ratio = abs(np.linalg.det(after)) / abs(np.linalg.det(before))
    if not 1 / limits.volume_ratio <= ratio <= limits.volume_ratio:
        return with_detail(Reason.UNPHYSICAL_CELL, f"volume x {ratio:.3g}")
    positions = np.ascontiguousarray(frac_coords @ after)
    _, _, _, distances = find_points_in_spheres(
        positions, positions, r=limits.min_distance, pbc=_PERIODIC, lattice=np.ascontiguousarray(after), tol=_SELF
    )
    close = distances[distances > _SELF]
    return with_detail(Reason.UNPHYSICAL_CELL, f"atoms {close.min():.2f} Å apart") if len(close) else ""
