"""A hull that follows its entries: new and withdrawn ones re-solve only what they can touch.

Linear programming tells who that is. A new entry (x0, e0) changes the hull at a composition exactly if
it lies below the plane that is optimal there: e0 < μ·x0 with the chemical potentials μ, and all of its
elements are present. A withdrawn entry changes it exactly if it takes part in the decomposition.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.errors import InputError, TableError, listed
from aiida_mlhull.science.hull.distances import Formulas
from aiida_mlhull.science.hull.end_members import check_end_members
from aiida_mlhull.science.hull.index import GroundStates
from aiida_mlhull.science.hull.points import PHASE, hull_points
from aiida_mlhull.science.representations.composition import Composition, distinct, reduce_formula
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.crystals import Floats, Integers

HALF = 64
"""Bits in one half of a set of elements."""


class LiveHull:
    """Hull energies at the compositions of n candidates, kept up to date.

    Memory: 68 MB for 1e5 candidates against 7e4 known entries.

    Args:
        formulas: n formulas, those of the candidates.
        known: what is known at the start, the pure elements among them.

    Raises:
        MissingEndMembersError: if ``known`` lacks an element.
    """

    def __init__(self, formulas: Formulas, known: References) -> None:
        names = np.asarray(formulas, dtype=np.str_).tolist()
        check_end_members(names, known)
        self._targets, self._which = distinct(names)
        self._by_point = np.argsort(self._which, kind="stable")
        self._first_row = np.searchsorted(self._which[self._by_point], np.arange(len(self._targets) + 1))
        self._ids = known.ids.tolist()
        self._entry_of = {name: entry for entry, name in enumerate(self._ids)}
        self._compositions = [reduce_formula(formula) for formula in known.formulas.tolist()]
        self._polymorphs: dict[Composition, list[tuple[float, str, int]]] = {}
        for entry, (composition, energy) in enumerate(zip(self._compositions, known.energies.tolist(), strict=True)):
            insort(self._polymorphs.setdefault(composition, []), (energy, self._ids[entry], entry))
        self._ground = GroundStates(known.formulas, known.energies)
        self._points = hull_points(self._ground, self._targets)
        self._owners = np.empty(len(self._points.phases), dtype=np.int64)
        everywhere = np.arange(len(self._targets))
        self._owners[self._points.flat(everywhere)] = np.repeat(everywhere, self._points.sizes)
        self._masks = np.asarray([split(target.mask) for target in self._targets], dtype=np.uint64).reshape(-1, 2)

    def __len__(self) -> int:
        return len(self._which)

    @property
    def hull_energy(self) -> Floats:
        """(n,) eV/atom, the hull at each candidate's composition."""
        return self._points.energies[self._which]

    @property
    def gap(self) -> Floats:
        """(n,) eV/atom, certificate of each hull energy."""
        return self._points.gaps[self._which]

    def decomposition(self, row: int) -> dict[str, float]:
        """Id to atomic fraction of the phases that this candidate's composition falls apart into."""
        found = self._points.decomposition(int(self._which[row]))
        return {self._ids[entry]: fraction for entry, fraction in found.items()}

    def add(self, ids: Sequence[str], formulas: Sequence[str], energies: Sequence[float] | Floats) -> Integers:
        """Put in new entries.

        Returns:
            Rows of the candidates whose hull has changed, ascending.

        Raises:
            TableError: if lengths differ, an id is known already or an energy is not finite.
            FormulaError: if a formula can't be read. In either case nothing has been put in.
        """
        values = np.asarray(energies, dtype=np.float64)
        if not len(ids) == len(formulas) == len(values):
            raise TableError(f"{len(ids)} ids, {len(formulas)} formulas and {len(values)} energies of new entries")
        repeated = [name for name in ids if name in self._entry_of]
        if repeated or len(set(ids)) != len(ids) or not np.isfinite(values).all():
            raise TableError(
                f"new entries need ids of their own and finite energies; known already: {listed(repeated)}"
            )
        compositions = [reduce_formula(str(formula)) for formula in formulas]
        touched = [
            self._touched_by(composition)
            for name, composition, energy in zip(ids, compositions, values.tolist(), strict=True)
            if self._enter(str(name), composition, energy)
        ]
        return self._solve_again(np.unique(np.concatenate(touched)) if touched else np.empty(0, dtype=np.int64))

    def withdraw(self, ids: Sequence[str]) -> Integers:
        """Take entries out again; one that is named twice leaves once.

        Returns:
            Rows of the candidates whose hull may have changed, ascending.

        Raises:
            InputError: if an id is not here, or is the last phase of its element.
        """
        unknown = [name for name in ids if name not in self._entry_of]
        if unknown:
            raise InputError(f"these entries are not on the hull's books: {listed(unknown)}")
        names = list(dict.fromkeys(ids))
        leaving = [self._entry_of[name] for name in names]
        rest = {c: len(self._polymorphs[c]) for c in (self._compositions[entry] for entry in leaving)}
        for entry in leaving:
            rest[self._compositions[entry]] -= 1
        bare = [c.formula for c, left in rest.items() if left == 0 and len(c.numbers) == 1]
        if bare:
            raise InputError(f"the last phases of these elements can't be withdrawn: {listed(bare)}")
        for name in names:
            self._leave(name)
        used = np.isin(self._points.phases, leaving) & (self._points.fractions > PHASE)
        return self._solve_again(np.unique(self._owners[used]))

    def _enter(self, name: str, composition: Composition, energy: float) -> bool:
        """Book an entry; whether it is the new ground state of its composition."""
        entry = len(self._ids)
        self._ids.append(name)
        self._entry_of[name] = entry
        self._compositions.append(composition)
        polymorphs = self._polymorphs.setdefault(composition, [])
        insort(polymorphs, (energy, name, entry))
        if polymorphs[0][2] != entry:
            return False
        self._ground.set_lowest(composition, energy=energy, entry=entry)
        return True

    def _leave(self, name: str) -> None:
        """Strike an entry out; the next polymorph, if there is one, becomes the ground state."""
        entry = self._entry_of.pop(name)
        composition = self._compositions[entry]
        polymorphs = [polymorph for polymorph in self._polymorphs[composition] if polymorph[2] != entry]
        self._polymorphs[composition] = polymorphs
        energy, _, lowest = polymorphs[0] if polymorphs else (np.inf, "", -1)
        self._ground.set_lowest(composition, energy=energy, entry=lowest)

    def _touched_by(self, composition: Composition) -> Integers:
        """Points above whose plane the ground state of ``composition`` does not lie."""
        from aiida_mlhull.science.hull.simplex import find_touched  # noqa: PLC0415  (numba, only when needed)

        row = self._ground.row_of[composition]
        span = slice(self._ground.offsets[row], self._ground.offsets[row + 1])
        found: Integers = find_touched(
            self._ground.energies[row],
            self._ground.numbers[span],
            self._ground.fractions[span],
            split(composition.mask),
            self._masks,
            self._points.starts,
            self._points.sizes,
            self._points.numbers,
            self._points.potentials,
        )
        return found

    def _solve_again(self, points: Integers) -> Integers:
        """Recompute these points; returns the rows of their candidates."""
        if not len(points):
            return points
        fresh = hull_points(self._ground, [self._targets[point] for point in points.tolist()])
        mine, theirs = self._points.flat(points), fresh.flat(np.arange(len(points)))
        self._points.energies[points] = fresh.energies
        self._points.gaps[points] = fresh.gaps
        self._points.potentials[mine] = fresh.potentials[theirs]
        self._points.phases[mine] = fresh.phases[theirs]
        self._points.fractions[mine] = fresh.fractions[theirs]
        rows = [self._by_point[self._first_row[point] : self._first_row[point + 1]] for point in points.tolist()]
        return np.sort(np.concatenate(rows))


def split(mask: int) -> NDArray[np.uint64]:
    """(2,) a set of elements as two halves that fit compiled code."""
    return np.asarray([mask & ((1 << HALF) - 1), mask >> HALF], dtype=np.uint64)
