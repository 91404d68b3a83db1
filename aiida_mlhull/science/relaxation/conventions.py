"""Corrected or raw: the two conventions in which Materials Project energies are met.

The MP2020 scheme (Wang et al., Sci. Rep. 11 (2021) 15496) adds fitted corrections to PBE and PBE+U
energies: so much for every oxide, nitride, sulfide, ... anion, and so much for every metal treated with a
Hubbard U. Potentials differ in what they were trained on: CHGNet returns corrected energies, SevenNet raw
ones, and their labels carry the scheme, so that the two are never mixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aiida_mlhull.science.reading.phases.mp2020 import adjustments, compatibility
from aiida_mlhull.science.schemes import KNOWN
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.crystals import Floats

if TYPE_CHECKING:
    from pymatgen.core import Composition, Structure

MP2020_CORRECTED = KNOWN["mp-pbe-2020"].text
MP2020_RAW = KNOWN["mp-pbe-raw"].text

STRUCTURE_MATTERS = frozenset({8, 16})
"""Oxides, peroxides, superoxides; sulfides and polysulfides: told apart by their bonds."""


def mp2020_corrections(crystals: Crystals) -> Floats:
    """What MP2020 adds to the raw energy of every crystal.

    The Materials Project's choice of U is assumed: oxides and fluorides of Co, Cr, Fe, Mn, Mo, Ni, V and W.

    Args:
        crystals: n cells.

    Returns:
        (n,) eV/atom.
    """
    known: dict[tuple[tuple[int, int], ...], float] = {}
    corrections = np.empty(len(crystals))
    for row in range(len(crystals)):
        composition = tuple(crystals.element_counts(row).items())
        if composition not in known or not STRUCTURE_MATTERS.isdisjoint(z for z, _ in composition):
            known[composition] = _correction(crystals.structure(row))
        corrections[row] = known[composition]
    return corrections


def _correction(structure: Structure) -> float:
    from pymatgen.entries.computed_entries import ComputedStructureEntry  # noqa: PLC0415  (slow import)

    hubbards = _hubbards(structure.composition)
    entry = ComputedStructureEntry(
        structure,
        0.0,
        parameters={"run_type": "GGA+U" if hubbards else "GGA", "hubbards": hubbards, "software": "vasp"},
    )
    # Hypothetical compositions often have no oxidation states; MP2020 then corrects the most electronegative element.
    added, _, _ = adjustments(entry, scheme=compatibility("Advanced", check_potcar=False))
    return float(sum(adjustment.value for adjustment in added)) / len(structure)


def _hubbards(composition: Composition) -> dict[str, float]:
    """The U that the Materials Project uses, decided by the most electronegative element."""
    anion = max(composition.elements, key=lambda element: element.X)
    settings: dict[str, float] = compatibility("Advanced", check_potcar=False).u_settings.get(anion.symbol, {})
    return {element.symbol: settings[element.symbol] for element in composition if element.symbol in settings}
