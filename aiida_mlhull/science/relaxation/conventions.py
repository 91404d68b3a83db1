"""Corrected or raw: the two conventions in which Materials Project energies are met.

The MP2020 scheme (Wang et al., Sci. Rep. 11 (2021) 15496) adds fitted corrections to PBE and PBE+U
energies: so much for every oxide, nitride, sulfide, ... anion, and so much for every metal treated with a
Hubbard U. Potentials differ in what they were trained on: CHGNet returns corrected energies, SevenNet raw
ones. Correcting corrected energies again is the silent error that this module is there to prevent; both
directions check the scheme that the labels carry.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from aiida_mlhull.science.errors import MixedSchemesError
from aiida_mlhull.science.reading.phases.mp2020 import adjustments, compatibility
from aiida_mlhull.science.schemes import KNOWN, same_scheme
from aiida_mlhull.science.types import Crystals, Labels
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


def without_corrections(labels: Labels) -> Labels:
    """Labels with the MP2020 corrections taken off.

    Raises:
        MixedSchemesError: if these labels aren't corrected ones.
    """
    return _converted(labels, sign=-1.0, before=MP2020_CORRECTED, after=MP2020_RAW)


def with_corrections(labels: Labels) -> Labels:
    """Labels with the MP2020 corrections applied.

    Raises:
        MixedSchemesError: if these labels aren't raw ones.
    """
    return _converted(labels, sign=1.0, before=MP2020_RAW, after=MP2020_CORRECTED)


def _converted(labels: Labels, *, sign: float, before: str, after: str) -> Labels:
    if not same_scheme(labels.scheme, before):
        raise MixedSchemesError(
            f"labels of stage {labels.stage!r} are {labels.scheme!r}, but only {before!r} can be turned into {after!r}"
        )
    return replace(labels, energies=labels.energies + sign * mp2020_corrections(labels.crystals), scheme=after)


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
