"""Five chemically different crystals, their sites in an order that no program would choose."""

from __future__ import annotations

import numpy as np
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.types import Candidates, Crystals


def nitride() -> Structure:
    """Ti3AlN, an antiperovskite."""
    return Structure(
        Lattice.cubic(4.11),
        ["N", "Ti", "Al", "Ti", "Ti"],
        [[0.5, 0.5, 0.5], [0.5, 0.5, 0], [0, 0, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    )


def oxide() -> Structure:
    """LaFeO3 as a cubic perovskite: an oxide in which the Materials Project gives iron a U."""
    return Structure(
        Lattice.cubic(3.93),
        ["O", "La", "O", "Fe", "O"],
        [[0.5, 0.5, 0], [0, 0, 0], [0.5, 0, 0.5], [0.5, 0.5, 0.5], [0, 0.5, 0.5]],
    )


def metal() -> Structure:
    """Magnesium."""
    return Structure(Lattice.hexagonal(3.21, 5.21), ["Mg", "Mg"], [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]])


def magnet() -> Structure:
    """FePt, its layers along c."""
    return Structure(Lattice.tetragonal(2.72, 3.77), ["Pt", "Fe"], [[0.5, 0.5, 0.5], [0, 0, 0]])


def mixed_anion() -> Structure:
    """BiOCl, matlockite's structure."""
    return Structure(
        Lattice.tetragonal(3.89, 7.35),
        ["Cl", "Bi", "O", "Cl", "O", "Bi"],
        [[0, 0.5, 0.65], [0, 0.5, 0.17], [0, 0, 0], [0.5, 0, 0.35], [0.5, 0.5, 0], [0.5, 0, 0.83]],
    )


CRYSTALS = {
    "nitride": nitride,
    "oxide": oxide,
    "metal": metal,
    "magnet": magnet,
    "mixed_anion": mixed_anion,
}


def candidate(structure: Structure) -> Candidates:
    """A shard of one candidate, called ``one``."""
    crystals = Crystals.from_structures([structure])
    return Candidates(
        ids=np.asarray(["one"]),
        formulas=np.asarray(crystals.reduced_formulas()),
        crystals=crystals,
        protostructures=np.asarray([""]),
        origins=np.asarray(["by hand"]),
    )
