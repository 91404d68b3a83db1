"""Whether pw.x has put the Fermi level where it belongs: into the gap, if there is one.

The occupation that cold and Methfessel-Paxton smearing give a state rises and falls with its energy, so that several
Fermi levels give the right number of electrons. Versions before 7.2 may take one that empties states below a
wide gap: MgO's energy is then 8 meV/atom too high, a molecule's by 60 (measured with 6.7). 7.2 looks for the right one
(F. J. dos Santos and N. Marzari, Phys. Rev. B 107 (2023) 195122).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.types.crystals import Floats

WIDE: Final = 6.0
"""Widths of the smearing: in the middle of such a gap every state's occupation is whole to 0.002."""
_WHOLE: Final = 0.02
_COUNTED: Final = 1e-4


@dataclass(frozen=True, eq=False)
class Levels:
    """States of the last self-consistent field.

    Attributes:
        energies: (spins, k-points, bands) eV.
        occupations: (spins, k-points, bands) electrons.
        weights: (k-points,) in any unit.
    """

    energies: Floats
    occupations: Floats
    weights: Floats


def lost_gap(levels: Levels, *, electrons: float, width: float) -> float | None:
    """The gap (eV) in which the Fermi level had to lie, if states below it are not full; None if all is well.

    Args:
        levels: energies and occupations.
        electrons: in the cell.
        width: of the smearing, eV.
    """
    full = 2.0 / len(levels.energies)
    share = full * levels.weights / levels.weights.sum()
    energies = levels.energies.ravel()
    order = np.argsort(energies)
    counted = np.cumsum(np.broadcast_to(share[None, :, None], levels.energies.shape).ravel()[order])
    last = int(np.searchsorted(counted, electrons - _COUNTED))
    if last + 1 >= len(order) or abs(counted[last] - electrons) > _COUNTED:
        return None
    gap = float(energies[order[last + 1]] - energies[order[last]])
    filled = levels.occupations.ravel()[order] / full
    broken = np.abs(filled - (np.arange(len(order)) <= last)).max() > _WHOLE
    return gap if gap > WIDE * width and broken else None
