"""All phases of a few elements as dense arrays: what slices are cut through."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import gcd
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import InputError, listed
from aiida_mlhull.science.hull.end_members import refusal
from aiida_mlhull.science.hull.index import GroundStates
from aiida_mlhull.science.hull.points import hull_points
from aiida_mlhull.science.representations.composition import NUMBERS, SYMBOLS, Composition, reduce_formula
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Strings

MOST_ELEMENTS: Final = 62
"""Sets of elements are the bits of one integer."""
CAN_COMPETE: Final = 1e-7
"""eV/atom; phases that lie this far above a hull that they are part of can't be met on a slice."""


@dataclass(frozen=True, eq=False)
class PhaseSpace:
    """n phases over K conserved elements, the lowest phase of each pure element first.

    In an open system the elements with a given chemical potential are not conserved: compositions and
    energies are then per conserved atom, and energies are grand potentials (E - Σ μ N).

    Attributes:
        elements: (K,) symbols of the conserved elements.
        ids: (n,) of the phases.
        formulas: (n,) reduced formulas with all elements.
        compositions: (n,) with all elements.
        fractions: (n, K) shares of the conserved atoms.
        energies: (n,) eV per conserved atom above the plane through the first K phases.
        atoms: (n,) conserved atoms in the reduced formula.
        scale: (n,) atoms per conserved atom.
        plane: (K,) eV, what the energies are counted from.
        masks: (n,) elements of every phase, one bit each.
        potentials: eV/atom of the elements that are open.
    """

    elements: tuple[str, ...]
    ids: Strings
    formulas: Strings
    compositions: tuple[Composition, ...]
    fractions: Floats
    energies: Floats
    atoms: Floats
    scale: Floats
    plane: Floats
    masks: Integers
    potentials: Mapping[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, name: str) -> int:
        """The phase of this id, or the lowest phase of this formula.

        Raises:
            InputError: if there is none.
        """
        at = np.flatnonzero(self.ids == name)
        if len(at):
            return int(at[0])
        wanted = reduce_formula(name)
        rows = [row for row, composition in enumerate(self.compositions) if composition == wanted]
        if not rows:
            raise InputError(
                f"{name} is neither an id nor a formula among the {len(self)} phases of {'-'.join(self.elements)}: "
                "add it to the references, or take another"
            )
        return min(rows, key=lambda row: (self.energies[row], row))

    def hull(self, *, without: int | None = None) -> Floats:
        """(n,) eV per conserved atom, the hull at every phase's composition.

        Args:
            without: a phase that is left out.

        Raises:
            HullError: if it could not be certified.
        """
        energies = self.energies.copy()
        if without is not None:
            energies[without] = np.inf
        points = hull_points(GroundStates([c.formula for c in self.conserved], energies), self.conserved)
        return points.energies

    @cached_property
    def conserved(self) -> tuple[Composition, ...]:
        """(n,) what is conserved of every phase, reduced; phases that differ in open elements only are equal here."""
        return tuple(_without(composition, self.potentials) for composition in self.compositions)

    def take(self, rows: Integers) -> PhaseSpace:
        """Some of the phases, the first K always among them, in ascending order."""
        kept = np.union1d(np.arange(len(self.elements)), np.asarray(rows, dtype=np.int64))
        return PhaseSpace(
            elements=self.elements,
            ids=self.ids[kept],
            formulas=self.formulas[kept],
            compositions=tuple(self.compositions[row] for row in kept.tolist()),
            fractions=np.ascontiguousarray(self.fractions[kept]),
            energies=self.energies[kept],
            atoms=self.atoms[kept],
            scale=self.scale[kept],
            plane=self.plane,
            masks=self.masks[kept],
            potentials=self.potentials,
        )

    def stable(self, *, without: int | None = None) -> Integers:
        """Rows of the phases on the hull (of all but ``without``, where one is left out)."""
        on_hull = self.energies <= self.hull(without=without) + CAN_COMPETE
        if without is not None:
            on_hull[without] = False
        return np.flatnonzero(on_hull)


def phase_space(
    references: References,
    elements: Collection[str],
    *,
    potentials: Mapping[str, float] | None = None,
) -> PhaseSpace:
    """The phases of ``references`` that hold nothing but ``elements``, as dense arrays.

    Args:
        references: known phases, and candidates that compete with them.
        elements: symbols, the open ones may be among them.
        potentials: chemical potential in eV/atom of each open element, on the references' scale.

    Raises:
        MissingEndMembersError: if no phase is a pure conserved element.
        InputError: if a symbol is unknown, nothing is conserved, or there are too many elements.
    """
    given = dict(potentials or {})
    closed = _conserved(elements, given)
    place = {z: column for column, z in enumerate(closed)}
    open_to = {NUMBERS[symbol]: value for symbol, value in given.items()}
    rows, compositions = _inside(references, closed=set(place), open_=set(open_to))
    counts = np.zeros((len(rows), len(closed)))
    energies = np.empty(len(rows))
    for i, composition in enumerate(compositions):
        energies[i] = references.energies[rows[i]] * composition.atoms
        for z, count in zip(composition.numbers, composition.counts, strict=True):
            if z in place:
                counts[i, place[z]] = count
            else:
                energies[i] -= open_to[z] * count
    atoms = counts.sum(axis=1)
    fractions, energies = counts / atoms[:, None], energies / atoms
    first = _lowest_elements(fractions, energies, closed, references)
    order = np.concatenate([first, np.setdiff1d(np.arange(len(rows)), first)]).astype(np.int64)
    plane = energies[first]
    fractions = np.ascontiguousarray(fractions[order])
    chosen = np.asarray(rows, dtype=np.int64)[order]
    total = np.asarray([composition.atoms for composition in compositions], dtype=np.float64)
    return PhaseSpace(
        elements=tuple(SYMBOLS[z - 1] for z in closed),
        ids=references.ids[chosen],
        formulas=references.formulas[chosen],
        compositions=tuple(compositions[i] for i in order.tolist()),
        fractions=fractions,
        energies=energies[order] - fractions @ plane,
        atoms=atoms[order],
        scale=(total / atoms)[order],
        plane=plane,
        masks=(fractions > 0) @ (np.int64(1) << np.arange(len(closed), dtype=np.int64)),
        potentials=given,
    )


def _conserved(elements: Collection[str], potentials: Mapping[str, float]) -> list[int]:
    """Atomic numbers of the elements that have no chemical potential, ascending."""
    strange = sorted((set(elements) | set(potentials)) - set(NUMBERS))
    if strange:
        raise InputError(f"not elements: {listed(strange)}")
    closed = sorted(NUMBERS[symbol] for symbol in set(elements) - set(potentials))
    if not closed:
        raise InputError(f"all of {listed(sorted(elements))} are open: at least one element has to be conserved")
    if len(closed) > MOST_ELEMENTS:
        raise InputError(f"{len(closed)} elements in one slice's system, at most {MOST_ELEMENTS} are possible")
    return closed


def _inside(references: References, *, closed: set[int], open_: set[int]) -> tuple[list[int], list[Composition]]:
    """Rows and compositions of the phases of these elements, some of a conserved one in each."""
    reduced = [reduce_formula(formula) for formula in references.formulas.tolist()]
    both = closed | open_
    rows = [
        row
        for row, composition in enumerate(reduced)
        if both.issuperset(composition.numbers) and not closed.isdisjoint(composition.numbers)
    ]
    return rows, [reduced[row] for row in rows]


def _without(composition: Composition, potentials: Mapping[str, float]) -> Composition:
    """The composition without the open elements, reduced."""
    if not potentials:
        return composition
    pairs = [(z, n) for z, n in zip(*composition, strict=True) if SYMBOLS[z - 1] not in potentials]
    divisor = gcd(*(n for _, n in pairs))
    return Composition(tuple(z for z, _ in pairs), tuple(n // divisor for _, n in pairs))


def _lowest_elements(fractions: Floats, energies: Floats, closed: Sequence[int], references: References) -> Integers:
    """(K,) the lowest phase of each pure conserved element; with open elements it may be a compound."""
    first, missing = [], []
    for column, z in enumerate(closed):
        pure = np.flatnonzero(fractions[:, column] == 1.0)
        if len(pure):
            first.append(int(pure[np.argmin(energies[pure])]))
        else:
            missing.append(SYMBOLS[z - 1])
    if missing:
        raise refusal(missing, references)
    return np.asarray(first, dtype=np.int64)
