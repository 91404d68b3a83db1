"""The hull along the line between two compositions: what a mixture of two reactants can become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import HullError, InputError
from aiida_mlhull.science.hull.phase_space import PhaseSpace
from aiida_mlhull.science.hull.points import CERTIFIED
from aiida_mlhull.science.representations.composition import NUMBERS, reduce_formula
from aiida_mlhull.science.types.crystals import Floats, Integers

ROOM: Final = 60
"""Most kinks of a slice that are looked for (Catalan numbers are tabulated as far); real ones have up to 25."""
PRESENT: Final = 1e-9
"""Shares of a phase above this are there."""


@dataclass(frozen=True, eq=False)
class Slice:
    """The hull between two compositions, m kinks with both ends among them.

    Attributes:
        x: (m,) share of the conserved atoms that stem from the second reactant, ascending from 0 to 1.
        energies: (m,) eV per conserved atom, of the phases on the hull.
        mixture: (m,) eV per conserved atom, of the reactants if they did not react.
        phases: (m, k) row in the phase space of each phase at a kink, -1 where there are fewer.
        shares: (m, k) share of the conserved atoms in each phase.
        gap: eV/atom, certificate: how far an energy can be off.
    """

    x: Floats
    energies: Floats
    mixture: Floats
    phases: Integers
    shares: Floats
    gap: float

    def __len__(self) -> int:
        return len(self.x)

    @property
    def reaction_energies(self) -> Floats:
        """(m,) eV per conserved atom, energy of the reaction at every kink; zero where nothing reacts."""
        return np.asarray(self.energies - self.mixture)

    def products(self, kink: int) -> dict[int, float]:
        """Row of the phase space to share of the conserved atoms."""
        pairs = zip(self.phases[kink].tolist(), self.shares[kink].tolist(), strict=True)
        return {row: share for row, share in sorted(pairs) if row >= 0}


def cut(space: PhaseSpace, start: str | int, end: str | int, *, without: int | None = None) -> Slice:
    """The hull along the line between two phases or compositions.

    Args:
        space: all phases that compete.
        start: row of a phase, its id, or a formula; a formula that no phase has stands for the hull there.
        end: likewise.
        without: a phase that may not form.

    Raises:
        HullError: if the slice could not be certified to 1e-9 eV/atom.
        InputError: if the two are the same composition.
    """
    from aiida_mlhull.science.hull.reactions.walk import gather, walk  # noqa: PLC0415  (numba, only when needed)

    (b0, e0), (b1, e1) = _end(space, start), _end(space, end)
    if np.abs(b0 - b1).max() < PRESENT:
        raise InputError(f"{start} and {end} have the same conserved composition: there is no line between them")
    elements = np.flatnonzero((b0 > 0) | (b1 > 0))
    energies = space.energies.copy()
    if without is not None:
        energies[without] = np.inf
    wanted = np.int64((np.int64(1) << elements).sum())
    columns, cost, origin = gather(np.ascontiguousarray(space.fractions.T), energies, space.masks, wanted, elements)
    k = len(elements)
    x, value = np.empty(ROOM), np.empty(ROOM)
    phases, weights = np.empty((ROOM, k), dtype=np.int64), np.empty((ROOM, k))
    m, gap = walk(columns, cost, b0[elements], (b1 - b0)[elements], x, value, phases, weights)
    if not gap <= CERTIFIED:
        raise HullError(f"the slice {start} - {end} could not be certified to {CERTIFIED:g} eV/atom")
    x, weights = x[:m], weights[:m]
    plane = ((1 - x)[:, None] * b0 + x[:, None] * b1) @ space.plane
    ends = [value[0] if e0 is None else e0, value[m - 1] if e1 is None else e1]
    return Slice(
        x=x,
        energies=value[:m] + plane,
        mixture=(1 - x) * ends[0] + x * ends[1] + plane,
        phases=np.where(weights > PRESENT, origin[phases[:m]], -1),
        shares=np.where(weights > PRESENT, weights, 0.0),
        gap=float(gap),
    )


def _end(space: PhaseSpace, name: str | int) -> tuple[Floats, float | None]:
    """(K,) conserved composition of a phase or a formula, and the phase's energy above the plane if it is one."""
    if not isinstance(name, str):
        return space.fractions[name], float(space.energies[name])
    try:
        row = space.row(name)
    except InputError:
        composition = reduce_formula(name)
        amounts = dict(zip(composition.numbers, composition.counts, strict=True))
        counts = np.asarray([amounts.get(NUMBERS[symbol], 0) for symbol in space.elements], dtype=np.float64)
        outside = set(composition.symbols) - set(space.elements) - set(space.potentials)
        if outside or not counts.sum():
            raise
        return counts / counts.sum(), None
    return space.fractions[row], float(space.energies[row])
