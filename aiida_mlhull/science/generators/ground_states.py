"""Ground states of the elements: cells to begin a relaxation with, so that references can be computed as candidates are.

Structure types and lattice parameters near room temperature: J. Donohue, The Structures of the Elements (Wiley, 1974),
and W. B. Pearson's handbook; bond lengths of molecules: K. P. Huber and G. Herzberg, Constants of Diatomic Molecules
(Van Nostrand, 1979). They are only where a relaxation starts. Where the phase stable at zero temperature is another one
than at room temperature (tin), it is the one given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.errors import InputError, listed

BOX: Final = (10.0, 10.5, 11.0)
"""Å, edges of the cell around a molecule; unequal, so that it has no symmetry that the molecule lacks."""

_FCC: Final = {
    "Al": 4.05,
    "Ag": 4.09,
    "Au": 4.08,
    "Ca": 5.58,
    "Ce": 5.16,
    "Cu": 3.61,
    "Ir": 3.84,
    "Ni": 3.52,
    "Pb": 4.95,
    "Pd": 3.89,
    "Pt": 3.92,
    "Rh": 3.80,
    "Sr": 6.08,
    "Th": 5.08,
    "Yb": 5.48,
    "Ne": 4.43,
    "Ar": 5.26,
    "Kr": 5.72,
    "Xe": 6.20,
}
_BCC: Final = {
    "Ba": 5.02,
    "Cr": 2.88,
    "Cs": 6.05,
    "Eu": 4.58,
    "Fe": 2.87,
    "K": 5.33,
    "Li": 3.51,
    "Mo": 3.15,
    "Na": 4.29,
    "Nb": 3.30,
    "Rb": 5.59,
    "Ta": 3.30,
    "V": 3.03,
    "W": 3.16,
}
_HCP: Final = {
    "Be": (2.29, 3.58),
    "Cd": (2.98, 5.62),
    "Co": (2.51, 4.07),
    "Hf": (3.20, 5.05),
    "Mg": (3.21, 5.21),
    "Os": (2.73, 4.32),
    "Re": (2.76, 4.46),
    "Ru": (2.71, 4.28),
    "Sc": (3.31, 5.27),
    "Tc": (2.74, 4.39),
    "Ti": (2.95, 4.69),
    "Tl": (3.46, 5.52),
    "Y": (3.65, 5.73),
    "Zn": (2.66, 4.95),
    "Zr": (3.23, 5.15),
    "Gd": (3.64, 5.78),
    "Tb": (3.60, 5.70),
    "Dy": (3.59, 5.65),
    "Ho": (3.58, 5.62),
    "Er": (3.56, 5.59),
    "Tm": (3.54, 5.56),
    "Lu": (3.50, 5.55),
}
_DIAMOND: Final = {"Si": 5.43, "Ge": 5.66, "Sn": 6.49}
_ARSENIC: Final = {"As": (3.76, 10.55, 0.227), "Sb": (4.31, 11.27, 0.233), "Bi": (4.55, 11.86, 0.234)}
"""a, c, z of R-3m in its hexagonal setting."""
_SELENIUM: Final = {"Se": (4.37, 4.96, 0.225), "Te": (4.46, 5.93, 0.263)}
"""a, c, x of P3_121."""
_MOLECULES: Final = {"H": 0.74, "N": 1.10, "O": 1.21, "F": 1.41, "Cl": 1.99}
_MAGNETIC_MOLECULES: Final = ("O",)


@dataclass(frozen=True, eq=False)
class ElementalCell:
    """Where the relaxation of an element begins.

    Attributes:
        element: its symbol.
        structure: a primitive cell, or a molecule in a box.
        is_molecule: whether the box stays as it is.
        has_moment: whether it has to be calculated with spin.
    """

    element: str
    structure: Structure
    is_molecule: bool = False
    has_moment: bool = False


def elemental_cells(elements: Iterable[str]) -> list[ElementalCell]:
    """Cells of some elements, in their order.

    Raises:
        InputError: naming elements whose ground state is not in the table.
    """
    wanted = list(dict.fromkeys(elements))
    unknown = sorted(set(wanted) - set(known_elements()))
    if unknown:
        raise InputError(
            f"no ground state in the table for {listed(unknown)} (there is one for {len(known_elements())} elements); "
            f"relax a cell of your own through the same stage, and add it with 'references from-group'"
        )
    return [_cell(element) for element in wanted]


def known_elements() -> list[str]:
    """Elements whose ground state is in the table, sorted."""
    return sorted({*_FCC, *_BCC, *_HCP, *_DIAMOND, *_ARSENIC, *_SELENIUM, "C", "In", *_MOLECULES})


def _cell(element: str) -> ElementalCell:
    if element in _MOLECULES:
        middle, half = [edge / 2 for edge in BOX], _MOLECULES[element] / 2
        ends = [[*middle[:2], middle[2] + sign * half] for sign in (-1, 1)]
        box = Structure(Lattice.orthorhombic(*BOX), [element] * 2, ends, coords_are_cartesian=True)
        return ElementalCell(element, box, is_molecule=True, has_moment=element in _MAGNETIC_MOLECULES)
    magnetic = element in {"Fe", "Co", "Ni", "Cr", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Eu"}
    return ElementalCell(element, _crystal(element).get_primitive_structure(), has_moment=magnetic)


def _crystal(element: str) -> Structure:
    if element == "C":
        graphite = [[0, 0, 0.25], [1 / 3, 2 / 3, 0.25]]
        return Structure.from_spacegroup("P6_3/mmc", Lattice.hexagonal(2.46, 6.71), ["C", "C"], graphite)
    cubic = {"Fm-3m": _FCC, "Im-3m": _BCC, "Fd-3m": _DIAMOND}
    for group, sides in cubic.items():
        if element in sides:
            return Structure.from_spacegroup(group, Lattice.cubic(sides[element]), [element], [[0, 0, 0]])
    if element in _HCP:
        group, lattice, site = "P6_3/mmc", Lattice.hexagonal(*_HCP[element]), [1 / 3, 2 / 3, 0.25]
    elif element in _ARSENIC:
        a, c, z = _ARSENIC[element]
        group, lattice, site = "R-3m", Lattice.hexagonal(a, c), [0, 0, z]
    elif element in _SELENIUM:
        a, c, x = _SELENIUM[element]
        group, lattice, site = "P3_121", Lattice.hexagonal(a, c), [x, 0, 1 / 3]
    else:  # indium
        group, lattice, site = "I4/mmm", Lattice.tetragonal(3.25, 4.95), [0, 0, 0]
    return Structure.from_spacegroup(group, lattice, [element], [site])
