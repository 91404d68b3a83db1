"""How a cell lies in space, for programs that free single components of its vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pymatgen.core import Structure


def plane_in_xy(structure: Structure) -> Structure:
    """The same crystal, turned so that a lies along x and b in the plane of x and y; not mirrored."""
    from pymatgen.core import Lattice, Structure  # noqa: PLC0415  (slow import)

    turn, upper = np.linalg.qr(structure.lattice.matrix.T)
    signs = np.where(np.diag(upper) < 0, -1.0, 1.0)
    signs[2] = np.sign(np.linalg.det(turn)) * signs[0] * signs[1]  # a rotation in all
    lattice = np.tril((upper * signs[:, None]).T)
    return Structure(
        Lattice(lattice), structure.species, structure.frac_coords, site_properties=structure.site_properties
    )
