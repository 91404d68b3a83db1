"""Does a phase last on the bench: reactions with oxygen, carbon dioxide and water at room temperature.

The filter of the A-Lab (N. J. Szymanski et al., Nature 624 (2023) 86): targets that react with air are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.hull.phase_space import phase_space
from aiida_mlhull.science.hull.reactions.open_system import equation
from aiida_mlhull.science.hull.reactions.slices import cut
from aiida_mlhull.science.recipes.formulas import equation_text
from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.thermochemistry import Conditions, apply
from aiida_mlhull.science.thermochemistry.conditions import GAS, ROOM_TEMPERATURE
from aiida_mlhull.science.types import References

TESTED: Final = ("O2", "CO2", "H2O")
REACTS: Final = -1e-3
"""eV/atom; a weaker driving force is none."""


@dataclass(frozen=True)
class GasReaction:
    """What a phase does in one gas.

    Attributes:
        gas: formula.
        pressure: bar.
        energy: eV per atom of phase and gas at the deepest point; NaN where the references can't tell.
        equation: of that reaction; empty where nothing happens.
        note: why there is no energy, or empty.
    """

    gas: str
    pressure: float
    energy: float
    equation: str
    note: str = ""

    @property
    def reacts(self) -> bool:
        """Whether there is a driving force."""
        return bool(self.energy < REACTS)


def in_air(
    target: str, references: References, *, temperature: float = ROOM_TEMPERATURE, corrections: str = "none"
) -> list[GasReaction]:
    """Reactions of a phase with each gas of moist air, solids at 0 K.

    Args:
        target: formula or id among the references.
        references: known phases, the target among them.
        temperature: K.
        corrections: a declared scheme, see :data:`~aiida_mlhull.science.thermochemistry.SCHEMES`.

    Raises:
        InputError: if the target is not among the references.
    """
    at = Conditions(temperature=temperature, atmosphere="air", reservoirs=(), corrections=corrections)
    applied = apply(references, at).references
    known = set(references.ids.tolist())
    name = str(references.formulas[references.positions([target])[0]]) if target in known else target
    pure = {
        z
        for f in references.formulas.tolist()
        if len(reduce_formula(f).numbers) == 1
        for z in reduce_formula(f).numbers
    }
    results = []
    for gas in TESTED:
        pressure = at.pressures[gas]
        missing = [s for z, s in zip(*_pairs(gas), strict=True) if z not in pure]
        if missing:
            note = f"the references hold no {', '.join(missing)}"
            results.append(GasReaction(gas, pressure, np.nan, "", note))
            continue
        space = phase_space(applied, {*reduce_formula(name).symbols, *reduce_formula(gas).symbols})
        row, other = space.row(target), int(np.flatnonzero(space.ids == GAS + gas)[0])
        line = cut(space, row, other)
        kink = int(np.argmin(line.reaction_energies))
        energy = float(line.reaction_energies[kink])
        text = ""
        if energy < REACTS:
            made = equation(space, line, kink, start=row, end=other)
            text = equation_text(made.reactants, made.products, made.exchanged)
        results.append(GasReaction(gas, pressure, energy, text))
    return results


def _pairs(gas: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    composition = reduce_formula(gas)
    return composition.numbers, composition.symbols
