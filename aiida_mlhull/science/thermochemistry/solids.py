"""Solids at temperature: the descriptor of Bartel et al., as pymatgen has it.

Source: C. J. Bartel et al., Nat. Commun. 9 (2018) 4168 (SISSO descriptor for G(T), about 50 meV/atom off).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.representations.composition import Composition, reduce_formula
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.crystals import Floats

COLDEST_SOLID: Final = 300.0
HOTTEST_SOLID: Final = 2000.0
"""K; where the descriptor was fitted."""


def gibbs_solids(
    references: References, volumes: Mapping[str, float], *, temperature: float
) -> tuple[References, tuple[str, ...]]:
    """Formation energies G(T) from the elements at T, in place of energies at 0 K.

    Args:
        references: total or formation energies at 0 K, pure elements among them.
        volumes: Å³/atom by id.
        temperature: K, from 300 to 2000.

    Returns:
        References whose elements are at zero and whose compounds with a volume are at ΔG(T); and the ids of
        the compounds without one, which stay at their formation energy at 0 K.

    Raises:
        InputError: if the descriptor doesn't reach the temperature, or a volume is not positive.
    """
    if not COLDEST_SOLID <= temperature <= HOTTEST_SOLID:
        raise InputError(
            f"G(T) of solids is fitted from {COLDEST_SOLID:g} to {HOTTEST_SOLID:g} K, not at {temperature:g} K"
        )
    wrong = sorted(name for name, volume in volumes.items() if not (np.isfinite(volume) and volume > 0))
    if wrong:
        raise InputError(f"volumes must be positive, in Å³/atom: {', '.join(wrong[:8])}")
    formation = formation_energies(references)
    cold: list[str] = []
    energies = formation.copy()
    for row, (name, formula) in enumerate(zip(references.ids.tolist(), references.formulas.tolist(), strict=True)):
        composition = reduce_formula(formula)
        if len(composition.numbers) == 1:
            continue
        if name in volumes:
            energies[row] = _gibbs(composition, formation[row], volumes[name], temperature)
        else:
            cold.append(name)
    scheme = f"{references.scheme}; formation G({temperature:g} K) of solids by Bartel 2018"
    return replace(references, energies=energies, scheme=scheme), tuple(cold)


def element_energies(references: References) -> dict[int, float]:
    """Atomic number to the lowest energy of its pure phases, eV/atom."""
    lowest: dict[int, float] = {}
    for formula, energy in zip(references.formulas.tolist(), references.energies.tolist(), strict=True):
        numbers = reduce_formula(formula).numbers
        if len(numbers) == 1:
            lowest[numbers[0]] = min(energy, lowest.get(numbers[0], np.inf))
    return lowest


def formation_energies(references: References) -> Floats:
    """(n,) eV/atom, energies minus those of the elements.

    Raises:
        InputError: if an element is missing.
    """
    lowest = element_energies(references)
    formation = np.asarray(references.energies, dtype=np.float64).copy()
    for row, formula in enumerate(references.formulas.tolist()):
        composition = reduce_formula(formula)
        missing = [z for z in composition.numbers if z not in lowest]
        if missing:
            raise InputError(f"no pure phase for the elements of {formula} among the references")
        pairs = zip(composition.numbers, composition.counts, strict=True)
        formation[row] -= sum(lowest[z] * count for z, count in pairs) / composition.atoms
    return formation


def tabulated(temperature: float) -> float:
    """The temperature as pymatgen's tables want it: their own points are integers, all else is interpolated."""
    return int(temperature) if temperature % 100 == 0 else temperature


def _gibbs(composition: Composition, formation: float, volume: float, temperature: float) -> float:
    """ΔG(T) in eV/atom. The descriptor asks for volume and masses only, so any arrangement of the atoms serves."""
    from pymatgen.core import Lattice, Structure  # noqa: PLC0415  (slow import)
    from pymatgen.entries.computed_entries import GibbsComputedStructureEntry  # noqa: PLC0415

    symbols = [s for s, n in zip(composition.symbols, composition.counts, strict=True) for _ in range(n)]
    edge = (volume * composition.atoms) ** (1 / 3)
    places = [[i / composition.atoms, 0.0, 0.0] for i in range(composition.atoms)]
    cell = Structure(Lattice.cubic(edge), symbols, places)
    entry = GibbsComputedStructureEntry(cell, formation_enthalpy_per_atom=formation, temp=tabulated(temperature))
    return float(entry.energy / composition.atoms)
