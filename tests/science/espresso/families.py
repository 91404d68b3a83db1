"""Crystals and pseudopotentials for tests of pw.x's inputs and results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.espresso import EspressoSettings, EspressoStep, Pseudo, PseudoFamily, read_step
from aiida_mlhull.science.types import Candidates, Crystals

PSEUDOS = Path(__file__).parents[2] / "pseudos"


def family() -> PseudoFamily:
    """Three elements; iron recommends more than the others."""
    return PseudoFamily(
        label="three/1.0",
        stringency="normal",
        pseudos={
            "Mg": Pseudo(md5="a", functional="PBE", valence=2, cutoffs={"normal": (20, 80), "high": (30, 120)}),
            "Si": Pseudo(md5="b", functional="PBE", valence=4, cutoffs={"normal": (28, 112), "high": (36, 144)}),
            "Fe": Pseudo(md5="c", functional="PBE", valence=16, cutoffs={"normal": (45, 450), "high": (90, 1080)}),
        },
    )


def step(stage: str = "final", protocol: str = "fast", **differs) -> EspressoStep:
    return read_step(EspressoSettings(protocol=protocol, **differs), stage=stage)


def fluorite(side: float = 6.4) -> Structure:
    """Mg2Si, its primitive cell; the sites of magnesium around silicon's."""
    half = side / 2
    return Structure(
        [[0, half, half], [half, 0, half], [half, half, 0]],
        ["Mg", "Si", "Mg"],
        [[0.25, 0.25, 0.25], [0, 0, 0], [0.75, 0.75, 0.75]],
    )


def magnesium() -> Structure:
    return Structure(Lattice.hexagonal(3.2, 5.2), ["Mg", "Mg"], [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]])


def candidate(structure: Structure) -> Candidates:
    crystals = Crystals.from_structures([structure])
    return Candidates(
        ids=np.asarray(["one"]),
        formulas=np.asarray(crystals.reduced_formulas()),
        crystals=crystals,
        protostructures=np.asarray([""]),
        origins=np.asarray(["by hand"]),
    )
