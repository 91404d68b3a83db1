"""Slices in contact with a reservoir: elements at a chemical potential are exchanged, the others conserved.

The reaction energy per conserved atom is a difference of grand potentials, Φ = E - Σ μ N: whatever the
reactants take up from the reservoir, or give off to it, is paid for at its chemical potential.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.hull.phase_space import PhaseSpace
from aiida_mlhull.science.hull.reactions.slices import PRESENT, Slice
from aiida_mlhull.science.representations.composition import NUMBERS, SYMBOLS


@dataclass(frozen=True)
class Equation:
    """A balanced reaction, coefficients per formula unit as written.

    Attributes:
        reactants: formula to moles.
        products: formula to moles.
        exchanged: element to moles of atoms that come from the reservoir (negative: go to it).
    """

    reactants: dict[str, float]
    products: dict[str, float]
    exchanged: dict[str, float]

    def times(self, factor: float) -> Equation:
        """All coefficients multiplied."""
        scaled = [{name: n * factor for name, n in part.items()} for part in vars(self).values()]
        return Equation(*scaled)

    def residual(self, space: PhaseSpace) -> float:
        """Largest imbalance of any element in moles of atoms; zero for a balanced equation."""
        balance: dict[int, float] = {NUMBERS[element]: -n for element, n in self.exchanged.items()}
        for side, sign in ((self.reactants, -1.0), (self.products, 1.0)):
            for name, moles in side.items():
                composition = space.compositions[space.row(name)]
                for z, count in zip(composition.numbers, composition.counts, strict=True):
                    balance[z] = balance.get(z, 0.0) + sign * moles * count
        return max((abs(value) for value in balance.values()), default=0.0)


def equation(space: PhaseSpace, line: Slice, kink: int, *, start: int, end: int) -> Equation:
    """The reaction at a kink, for one mole of conserved atoms of reactants.

    Args:
        space: the phases that the slice was cut through.
        line: the slice between two phases.
        kink: which of its points.
        start: row of the first reactant.
        end: row of the second one.
    """
    x = float(line.x[kink])
    moles = {start: (1.0 - x) / space.atoms[start], end: x / space.atoms[end]}
    reactants = {row: n for row, n in moles.items() if n > PRESENT}
    products = {row: share / space.atoms[row] for row, share in line.products(kink).items()}
    exchanged: dict[str, float] = {}
    for side, sign in ((reactants, -1.0), (products, 1.0)):
        for row, n in side.items():
            for z, count in zip(*space.compositions[row], strict=True):
                symbol = SYMBOLS[z - 1]
                if symbol in space.potentials:
                    exchanged[symbol] = exchanged.get(symbol, 0.0) + sign * n * count
    return Equation(
        reactants={str(space.formulas[row]): float(n) for row, n in reactants.items()},
        products={str(space.formulas[row]): float(n) for row, n in products.items()},
        exchanged={symbol: float(n) for symbol, n in exchanged.items() if not np.isclose(n, 0.0, atol=PRESENT)},
    )
