"""How selectively three reactants give a target: the scores of pairs, carried over to the mixture that gives most of it.

Three reactants have a plane of mixtures instead of a line. The one that counts is that of most target per atom of
reactants, by its elements alone; what else is left of it there becomes the by-products of lowest energy. Powders react
where two grains meet (J. Chen et al., Nat. Synth. 3 (2024) 606), so the competition is counted on lines again: C1
against every reaction of two of the three, C2 along the lines from each reactant to the mixture of the products.
"""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import HullError
from aiida_mlhull.science.hull.phase_space import PhaseSpace
from aiida_mlhull.science.hull.points import CERTIFIED
from aiida_mlhull.science.hull.reactions.selectivity import Selectivity, targeted
from aiida_mlhull.science.hull.reactions.slices import PRESENT, ROOM
from aiida_mlhull.science.types.crystals import Floats, Integers

CHUNK: Final = 20_000
SINGULAR: Final = 1e-10
"""Determinants below this: reactants that bring three elements in ratios of two."""


def richest_mixtures(space: PhaseSpace, target: int, triples: Integers) -> Floats:
    """(r, 3) shares of the conserved atoms that stem from each reactant where a mixture gives most of the target.

    A linear program in three variables: least reactants that bring all atoms of one target. Its corners are where
    three elements are used up, so all of them are looked at. NaN where two reactants, or one, give as much.
    """
    asked = np.asarray(triples, dtype=np.int64).reshape(-1, 3)
    wanted = space.fractions[target]
    needed = np.flatnonzero(wanted > 0)
    parts = [
        _richest(space.fractions[asked[at : at + CHUNK]][:, :, needed], wanted[needed])
        for at in range(0, len(asked), CHUNK)
    ]
    return np.concatenate(parts) if parts else np.empty((0, 3))


def _richest(brought: Floats, wanted: Floats) -> Floats:
    """(c, 3) shares from (c, 3, e) fractions of the e elements of the target and its own (e,)."""
    three, atoms = _least(brought, wanted, (0, 1, 2))
    fewer = [_least(brought, wanted, some)[1] for n in (1, 2) for some in combinations(range(3), n)]
    good = atoms < np.min(fewer, axis=0) - PRESENT
    three[~good] = np.nan
    return np.asarray(three / three.sum(axis=1, keepdims=True))


def _least(brought: Floats, wanted: Floats, some: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Moles of some of the reactants, all of them used, that bring the target with least atoms; infinitely many if none."""
    count, moles, atoms = len(brought), np.full((len(brought), len(some)), np.nan), np.full(len(brought), np.inf)
    given = brought[:, list(some), :]
    for used_up in combinations(range(len(wanted)), len(some)):
        matrix = given[:, :, list(used_up)].transpose(0, 2, 1)
        regular = np.abs(np.linalg.det(matrix)) > SINGULAR
        found = np.full((count, len(some)), -1.0)
        right = np.broadcast_to(wanted[list(used_up)][None, :, None], (int(regular.sum()), len(some), 1))
        found[regular] = np.linalg.solve(matrix[regular], right)[:, :, 0]
        enough = (np.einsum("cj,cje->ce", found, given) >= wanted - PRESENT).all(axis=1)
        better = (found > PRESENT).all(axis=1) & enough & (found.sum(axis=1) < atoms)
        moles[better], atoms[better] = found[better], found[better].sum(axis=1)
    return moles, atoms


class _Lines:
    """Slices among the phases that can matter, gathered once for every set of elements."""

    def __init__(self, space: PhaseSpace, target: int) -> None:
        self.space = space
        self.smaller, self.kept, self.row, self.lift = targeted(space, target)
        self._columns = np.ascontiguousarray(self.smaller.fractions.T)
        self._gathered: dict[int, tuple[Floats, Floats, Integers, Integers]] = {}
        self._depth: dict[tuple[int, int], float] = {}

    def walk(
        self, start: Floats, end: Floats, mask: int, *, without: bool = False
    ) -> tuple[Floats, Floats, dict[int, float]]:
        """Kinks of a slice, energies there, and the phases (rows of the whole space) at its end with their shares.

        Raises:
            HullError: if the slice could not be certified.
        """
        from aiida_mlhull.science.hull.reactions.walk import gather, walk  # noqa: PLC0415  (numba, only when needed)

        if mask not in self._gathered:
            elements = np.asarray([j for j in range(len(self.space.elements)) if mask >> j & 1], dtype=np.int64)
            dense, cost, origin = gather(
                self._columns, self.smaller.energies, self.smaller.masks, np.int64(mask), elements
            )
            self._gathered[mask] = dense, cost, origin, elements
        dense, cost, origin, elements = self._gathered[mask]
        if without:
            cost = np.where(origin == self.row, np.inf, cost)
        k = len(elements)
        x, energies = np.empty(ROOM), np.empty(ROOM)
        phases, weights = np.empty((ROOM, k), dtype=np.int64), np.empty((ROOM, k))
        m, gap = walk(dense, cost, start[elements], (end - start)[elements], x, energies, phases, weights)
        if not gap <= CERTIFIED:
            raise HullError(f"a slice in {'-'.join(np.asarray(self.space.elements)[elements])} could not be certified")
        last = zip(origin[phases[m - 1]].tolist(), weights[m - 1].tolist(), strict=True)
        return x[:m], energies[:m], {int(self.kept[row]): share for row, share in last if share > PRESENT}

    def depth(self, a: int, b: int) -> float:
        """EV per conserved atom, the lowest reaction energy of two reactants; zero where nothing reacts."""
        if (a, b) not in self._depth:
            fractions, own = self.space.fractions, self.space.energies
            if np.abs(fractions[a] - fractions[b]).max() < PRESENT:
                return 0.0
            x, energies, _ = self.walk(fractions[a], fractions[b], int(self.space.masks[a] | self.space.masks[b]))
            self._depth[a, b] = min(float((energies - (1 - x) * own[a] - x * own[b]).min()), 0.0)
        return self._depth[a, b]


def products_of_mixture(
    space: PhaseSpace, target: int, rows: Integers, shares: Floats, *, without: bool = False
) -> dict[int, float]:
    """Row of the phase space to share of the conserved atoms, of what a mixture of three reactants becomes.

    Args:
        space: all phases that compete.
        target: row of the target.
        rows: (3,) of the reactants.
        shares: (3,) of the conserved atoms that stem from each.
        without: what it becomes if the target can't form.

    Raises:
        HullError: if a slice could not be certified.
    """
    lines = _Lines(space, target)
    mask = int(np.bitwise_or.reduce(space.masks[rows]))
    return lines.walk(space.fractions[rows[0]], shares @ space.fractions[rows], mask, without=without)[2]


def selectivity_of_triples(space: PhaseSpace, target: int, triples: Integers, shares: Floats) -> Selectivity:
    """Scores of three reactants each, at the mixture that gives most of the target.

    ``deepest`` says whether no two of the three give more energy, the inverse hull energy is the products' energy below
    the hull without the target, and C2 sums the mean altitudes of the three lines from a reactant to the products. Where
    the hull makes something else of that mixture the target doesn't form.

    Args:
        space: all phases that compete, reactants and target among them.
        target: row of the target; one above the hull is scored with its own energy.
        triples: (r, 3) rows of the reactants.
        shares: (r, 3) of :func:`richest_mixtures`.

    Raises:
        HullError: if a slice could not be certified.
        InputError: if the target is a pure element.
    """
    lines = _Lines(space, target)
    scores = np.full((len(triples), 6), np.nan)
    for i in np.flatnonzero(np.isfinite(shares).all(axis=1)).tolist():
        scores[i] = _scored(lines, target, triples[i], shares[i])
    return Selectivity(
        pairs=triples,
        formed=np.isfinite(scores[:, 0]),
        x=np.full(len(triples), np.nan),
        share=scores[:, 0],
        reaction_energy=scores[:, 1],
        deepest=scores[:, 2] == 1.0,
        inverse_hull=scores[:, 3],
        primary=scores[:, 4],
        secondary=scores[:, 5],
    )


def _scored(lines: _Lines, target: int, rows: Integers, shares: Floats) -> tuple[float, ...] | float:
    """Share of the target, reaction energy, deepest, inverse hull energy, C1, C2; NaN where it doesn't form."""
    from aiida_mlhull.science.hull.reactions.walk import chain, mean_altitude  # noqa: PLC0415  (numba, only when needed)

    space = lines.space
    mask = int(np.bitwise_or.reduce(space.masks[rows]))
    point, own = shares @ space.fractions[rows], space.energies[rows]
    altitude, end, share = 0.0, 0.0, 0.0
    for row, energy in zip(rows.tolist(), own.tolist(), strict=True):
        x, energies, products = lines.walk(space.fractions[row], point, mask)
        share, end = products.get(target, 0.0), float(energies[-1])
        if not share:
            return np.nan
        at, e = np.empty(len(x) + 2), np.empty(len(x) + 2)
        points, _ = chain(x, energies, len(x), energy, end, at, e)
        e[points - 1] += lines.lift * share
        altitude += float(mean_altitude(at[:points], e[:points]))
    energy = end + lines.lift * share
    _, energies, _ = lines.walk(space.fractions[rows[0]], point, mask, without=True)
    reaction = energy - float(shares @ own)
    rival = min(lines.depth(a, b) for a, b in combinations(rows.tolist(), 2))
    return share, reaction, float(reaction < rival), energy - float(energies[-1]), reaction - rival, abs(altitude)
