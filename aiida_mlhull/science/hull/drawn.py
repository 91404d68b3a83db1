"""Sampled energies as the programs need them: one column per composition, one system at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aiida_mlhull.science.errors import HullError
from aiida_mlhull.science.hull.index import GroundStates
from aiida_mlhull.science.hull.points import CERTIFIED
from aiida_mlhull.science.representations.composition import Composition, distinct
from aiida_mlhull.science.types import Predictions, References
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Booleans


@dataclass(frozen=True, eq=False)
class DrawnSystem:
    """All competing compositions of one chemical system in S samples.

    Attributes:
        numbers: atomic numbers of the k elements.
        columns: (k, q) fractions, the elements first.
        energies: (S, q) eV/atom above the plane through the elements.
        points: (m, k) fractions of the targets.
        targets: (m,) which of the compositions asked for they are.
        at: (m,) their columns, -1 for a composition that no entry has.
    """

    numbers: tuple[int, ...]
    columns: Floats
    energies: Floats
    points: Floats
    targets: Integers
    at: Integers

    def pruned(self) -> DrawnSystem:
        """Without the columns, and the targets, that lie on the hull of no sample.

        Raises:
            HullError: if the hull of the highest energies could not be solved.
        """
        from aiida_mlhull.science.hull.simplex import sample_hull  # noqa: PLC0415  (numba, only when needed)

        ceiling = np.empty((1, self.columns.shape[1]))
        highest = self.energies.max(axis=0, keepdims=True)
        everywhere = np.ascontiguousarray(self.columns.T)
        if not sample_hull(self.columns, highest, everywhere, ceiling, np.empty(ceiling.shape, dtype=bool)):
            raise HullError(f"the hull of the highest sampled energies was not solved, elements Z = {self.numbers}")
        live = self.energies.min(axis=0) <= ceiling[0] + CERTIFIED
        live[: len(self.numbers)] = True
        kept = live[self.at]
        return replace(
            self,
            columns=np.ascontiguousarray(self.columns[:, live]),
            energies=np.ascontiguousarray(self.energies[:, live]),
            points=self.points[kept],
            targets=self.targets[kept],
            at=(np.cumsum(live) - 1)[self.at[kept]],
        )


class DrawnHulls:
    """What is known and S joint samples of n candidates, composition by composition.

    Args:
        predictions: n candidates.
        known: references and own results.
        energies: (S, n) eV/atom.

    Attributes:
        compositions: the c different ones among the candidates.
        lowest: (S, c) eV/atom, the lowest candidate of each composition.
        won: (S, c) whether it lies no higher than the known phases of that composition.
        ground: all compositions, with the energies of the known ones.
    """

    def __init__(self, predictions: Predictions, known: References, energies: Floats) -> None:
        self.compositions, self._which = distinct(predictions.formulas.tolist())
        self._winners = np.empty((len(energies), len(self.compositions)), dtype=np.int64)
        self.lowest = np.empty((len(energies), len(self.compositions)))
        order = np.argsort(self._which, kind="stable")
        starts = np.searchsorted(self._which[order], np.arange(len(self.compositions) + 1))
        for c in range(len(self.compositions)):
            rows = order[starts[c] : starts[c + 1]]
            self._winners[:, c] = rows[energies[:, rows].argmin(axis=1)]
            self.lowest[:, c] = energies[:, rows].min(axis=1)
        names = [*known.formulas.tolist(), *(composition.formula for composition in self.compositions)]
        unknown = np.full(len(self.compositions), np.inf)
        self.ground = GroundStates(names, np.concatenate([known.energies, unknown]))
        self._rows = np.asarray([self.ground.row_of[composition] for composition in self.compositions], dtype=np.int64)
        self._candidate_at = np.full(len(self.ground), -1, dtype=np.int64)
        self._candidate_at[self._rows] = np.arange(len(self.compositions))
        self.won: Booleans = self.lowest <= self.ground.energies[self._rows]

    def row_shares(self, taken: Booleans) -> Floats:
        """(n,) share of the samples in which a row is the phase that takes its composition's place.

        Args:
            taken: (S, c) whether the lowest candidate of a composition lies on the hull.
        """
        counts = np.bincount(self._winners[taken], minlength=len(self._which))
        return np.asarray(counts / len(taken))

    def systems(self, asked: Sequence[Composition]) -> Iterator[DrawnSystem]:
        """The chemical systems of ``asked``, one after the other."""
        members: dict[tuple[int, ...], list[int]] = {}
        for position in sorted(range(len(asked)), key=asked.__getitem__):
            members.setdefault(asked[position].numbers, []).append(position)
        for numbers, targets in members.items():
            yield self._system(numbers, [asked[target] for target in targets], np.asarray(targets, dtype=np.int64))

    def _system(self, numbers: tuple[int, ...], asked: list[Composition], targets: Integers) -> DrawnSystem:
        """Columns of all that can lie on a hull of these elements: what is known below their plane, and candidates."""
        ground = self.ground
        inside = [row for a, b in ground.compounds_within(numbers) for row in range(a, b)]
        rows = [ground.elements[z] for z in numbers]
        rows += [row for row in inside if ground.formation[row] <= 0 or self._candidate_at[row] >= 0]
        place = {z: i for i, z in enumerate(numbers)}
        columns = np.zeros((len(numbers), len(rows)))
        for q, row in enumerate(rows):
            composition = ground.compositions[row]
            columns[[place[z] for z in composition.numbers], q] = composition.counts
        columns /= columns.sum(axis=0)
        energies = np.tile(ground.formation[rows], (len(self.lowest), 1))
        candidates = self._candidate_at[rows]
        drawn = candidates >= 0
        sampled = self.lowest[:, candidates[drawn]] - ground.plane[list(numbers)] @ columns[:, drawn]
        energies[:, drawn] = np.minimum(energies[:, drawn], sampled)
        column_of = {row: q for q, row in enumerate(rows)}
        points = np.asarray([composition.counts for composition in asked], dtype=np.float64)
        return DrawnSystem(
            numbers=numbers,
            columns=columns,
            energies=energies,
            points=points / points.sum(axis=1, keepdims=True),
            targets=targets,
            at=np.asarray([column_of.get(ground.row_of.get(c, -1), -1) for c in asked], dtype=np.int64),
        )
