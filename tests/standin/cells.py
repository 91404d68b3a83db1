"""Small cells and the texts of jobs with them; texts are written by pymatgen, which is not what reads them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Incar, Poscar

from aiida_mlhull.standin.events import InputTexts
from aiida_mlhull.standin.potcars import placeholder

RELAX: Final = {"NSW": 40, "IBRION": 2, "ISIF": 3, "EDIFFG": -0.01}


def rutile(x: float = 0.31) -> Structure:
    """TiO2."""
    oxygen = [[x, x, 0], [-x, -x, 0], [0.5 + x, 0.5 - x, 0.5], [0.5 - x, 0.5 + x, 0.5]]
    return Structure(
        Lattice.tetragonal(4.7, 3.05), ["Ti"] * 2 + ["O"] * 4, [[0, 0, 0], [0.5, 0.5, 0.5], *oxygen], to_unit_cell=True
    )


def nitride() -> Structure:
    """TiN in rock salt's primitive cell."""
    cell = Lattice(4.35 * np.array([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]))
    return Structure(cell, ["Ti", "N"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def skewed() -> Structure:
    """A triclinic cell in which everything that may move will."""
    lattice = Lattice.from_parameters(3.1, 4.5, 4.8, 84.0, 93.0, 88.0)
    coords = [[0.02, 0.01, 0.0], [0.49, 0.53, 0.47], [0.51, 0.03, 0.46], [0.03, 0.48, 0.52]]
    return Structure(lattice, ["Mg", "Mg", "O", "O"], coords)


def iron_oxide() -> Structure:
    """FeO, two formula units."""
    cell = Lattice.tetragonal(3.05, 4.3)
    return Structure(cell, ["Fe", "Fe", "O", "O"], [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0, 0, 0.5]])


def inputs(
    structure: Structure | None = None,
    *,
    names: tuple[str, ...] = (),
    faults: str = "",
    restarted: bool = False,
    poscar: str = "",
    **tags: Any,
) -> InputTexts:
    """The texts of a job: TiN by default, and INCAR's tags."""
    structure = structure or nitride()
    species = list(dict.fromkeys(site.specie.symbol for site in structure))
    return InputTexts(
        incar=str(Incar(tags)) if tags else "",
        poscar=poscar or Poscar(structure).get_str(significant_figures=12),
        kpoints="mesh\n0\nGamma\n4 4 3\n0 0 0\n",
        potcar="".join(map(placeholder, names or species)),
        restarted=restarted,
        faults=faults,
    )
