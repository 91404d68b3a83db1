"""How selectively two reactants give a target: reaction, inverse hull, primary and secondary competition.

Everything is per atom of reactants; in an open system, per atom of the conserved elements.

Sources: J. Chen et al., Nat. Synth. 3 (2024) 606 (target as the deepest point, inverse hull energy);
M. J. McDermott et al., ACS Cent. Sci. 9 (2023) 1957 (competition C1, C2 and the weights of Γ).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from aiida_mlhull.science.errors import HullError, InputError, SettingsError
from aiida_mlhull.science.hull.phase_space import PhaseSpace
from aiida_mlhull.science.hull.reactions.slices import ROOM
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Booleans

FORMED, ABSENT = 1, 0


class Weights(NamedTuple):
    """Weights of reaction energy, primary and secondary competition in Γ (McDermott 2023, by default)."""

    reaction_energy: float = 0.10
    primary: float = 0.45
    secondary: float = 0.45

    @classmethod
    def checked(cls, values: Sequence[float]) -> Weights:
        """Three weights that are finite and not negative.

        Raises:
            SettingsError: if they aren't.
        """
        numbers = [float(value) for value in values]
        if len(numbers) != len(cls._fields) or not np.isfinite(numbers).all() or min(numbers) < 0:
            raise SettingsError(f"weights of ΔE, C1 and C2 must be three numbers that are not negative: {values}")
        return cls(*numbers)


@dataclass(frozen=True, eq=False)
class Selectivity:
    """Scores of r reactions, each of two reactants to one target; NaN where the target doesn't form.

    Attributes:
        pairs: (r, 2) rows of the reactants in the phase space.
        formed: (r,) whether the target is among the products anywhere along the slice.
        x: (r,) share of the conserved atoms that stem from the second reactant.
        share: (r,) share of the conserved atoms in the target, the rest is in by-products.
        reaction_energy: (r,) eV/atom.
        deepest: (r,) whether no other reaction of the two, at any mixing, gives more energy.
        inverse_hull: (r,) eV/atom, energy of the products below the line between the neighboring kinks.
        primary: (r,) eV/atom, C1: reaction energy minus the lowest one at any other mixing; not reacting counts.
        secondary: (r,) eV/atom, C2, never negative: mean energy that side reactions between reactants and
            target can still give, over all orders of them.
    """

    pairs: Integers
    formed: Booleans
    x: Floats
    share: Floats
    reaction_energy: Floats
    deepest: Booleans
    inverse_hull: Floats
    primary: Floats
    secondary: Floats

    def __len__(self) -> int:
        return len(self.pairs)

    def gamma(self, weights: Weights = Weights()) -> Floats:  # noqa: B008  (a tuple)
        """(r,) eV/atom, Γ: the lower the more selective."""
        return np.asarray(
            weights.reaction_energy * self.reaction_energy
            + weights.primary * self.primary
            + weights.secondary * self.secondary
        )

    def take(self, rows: Integers | Booleans) -> Selectivity:
        """Some of the reactions."""
        return Selectivity(**{name: column[rows] for name, column in vars(self).items()})


def targeted(space: PhaseSpace, target: int) -> tuple[PhaseSpace, Integers, int, float]:
    """The phases that can matter where one target is asked for.

    Returns:
        The space without all phases that lie above the hull of everything but the target; where its rows
        stood before; the target's row in it; and the energy in eV per conserved atom by which the target
        was lowered, to just below that hull, where it is not stable.
    """
    from aiida_mlhull.science.hull.reactions.walk import BARELY  # noqa: PLC0415  (numba, only when needed)

    if target < len(space.elements):
        raise InputError(f"{space.formulas[target]} is the lowest phase of a pure element: name a compound as target")
    rivals = space.hull(without=target)[target]
    rows = np.union1d(space.stable(without=target), [target])
    smaller = space.take(rows)
    kept = np.union1d(np.arange(len(space.elements)), rows)
    row = int(np.searchsorted(kept, target))
    lift = max(float(space.energies[target] - (rivals - BARELY)), 0.0)
    smaller.energies[row] -= lift
    return smaller, kept, row, lift


def selectivity(space: PhaseSpace, target: int, pairs: Integers) -> Selectivity:
    """Scores of pairs of reactants.

    Args:
        space: all phases that compete, reactants and target among them.
        target: row of the target; one above the hull is scored with its own energy.
        pairs: (r, 2) rows of the reactants.

    Raises:
        HullError: if a slice could not be certified.
        InputError: if the target is a pure element.
    """
    from aiida_mlhull.science.hull.reactions.walk import score_pairs  # noqa: PLC0415  (numba, only when needed)

    asked = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    smaller, _, row, lift = targeted(space, target)
    mask = space.masks[asked[:, 0]] | space.masks[asked[:, 1]]
    order = np.argsort(mask, kind="stable")
    rows, states = np.full((len(asked), 8), np.nan), np.zeros(len(asked), dtype=np.int64)
    sorted_rows, sorted_states = rows.copy(), states.copy()
    score_pairs(
        np.ascontiguousarray(smaller.fractions.T), smaller.energies, smaller.masks, row, lift,
        space.fractions, space.energies, asked[order], ROOM, sorted_rows, sorted_states,
    )  # fmt: skip
    rows[order], states[order] = sorted_rows, sorted_states
    failed = np.flatnonzero(states < 0)
    if len(failed):
        names = " + ".join(space.formulas[asked[failed[0]]].tolist())
        raise HullError(f"{len(failed)} slices could not be certified, the first one is {names}")
    rows[states != FORMED] = np.nan
    return Selectivity(
        pairs=asked,
        formed=states == FORMED,
        x=rows[:, 0],
        share=rows[:, 1],
        reaction_energy=rows[:, 2],
        deepest=rows[:, 3] == 1.0,
        inverse_hull=rows[:, 4],
        primary=rows[:, 5],
        secondary=rows[:, 6],
    )
