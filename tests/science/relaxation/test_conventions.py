"""Corrections taken off and put back, against published values and pymatgen's own bookkeeping."""

from __future__ import annotations

import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.entries.compatibility import MaterialsProject2020Compatibility
from pymatgen.entries.computed_entries import ComputedStructureEntry

from aiida_mlhull.science.relaxation.conventions import (
    mp2020_corrections,
)
from aiida_mlhull.science.types import Crystals

TIO2 = Structure.from_spacegroup(136, Lattice.tetragonal(4.65, 2.97), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]])
ZNO = Structure.from_spacegroup(
    186, Lattice.hexagonal(3.28, 5.29), ["Zn", "O"], [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.379]]
)
FEO = Structure.from_spacegroup(225, Lattice.cubic(4.3), ["Fe", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
LI2O2 = Structure.from_spacegroup(
    194, Lattice.hexagonal(3.18, 7.73), ["Li", "Li", "O"], [[0, 0, 0], [1 / 3, 2 / 3, 0.75], [1 / 3, 2 / 3, 0.149]]
)
TIN = Structure.from_spacegroup(225, Lattice.cubic(4.24), ["Ti", "N"], [[0, 0, 0], [0.5, 0.5, 0.5]])
NACL = Structure.from_spacegroup(225, Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
TI = Structure.from_spacegroup(194, Lattice.hexagonal(2.94, 4.65), ["Ti"], [[1 / 3, 2 / 3, 0.25]])


@pytest.mark.parametrize(
    ("structure", "by_hand"),
    [
        (TIO2, 2 * -0.687 / 3),
        (ZNO, -0.687 / 2),
        (FEO, (-0.687 - 2.256) / 2),  # an oxide, and iron with a U
        (LI2O2, -0.465 / 2),  # a peroxide
        (TIN, -0.361 / 2),
        (NACL, -0.614 / 2),
        (TI, 0.0),
    ],
    ids=["TiO2", "ZnO", "FeO", "Li2O2", "TiN", "NaCl", "Ti"],
)
def test_values_of_wang_et_al(structure, by_hand):
    """Table 1 of Sci. Rep. 11 (2021) 15496, eV per anion or metal atom, worked out by hand."""
    assert mp2020_corrections(Crystals.from_structures([structure]))[0] == pytest.approx(by_hand, abs=2e-3)


def test_pymatgen_processes_an_entry_to_the_same_energy():
    entry = ComputedStructureEntry(
        FEO, -50.0, parameters={"run_type": "GGA+U", "hubbards": {"Fe": 5.3}, "software": "vasp"}
    )
    MaterialsProject2020Compatibility(check_potcar=False).process_entry(entry)
    expected = (entry.energy + 50.0) / len(FEO)
    assert mp2020_corrections(Crystals.from_structures([FEO]))[0] == pytest.approx(expected, abs=1e-12)
