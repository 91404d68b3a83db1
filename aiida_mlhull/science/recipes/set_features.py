"""Which sets of sources a target's metals may come from together, and how each of them stands among the others.

A product of every metal's own chances takes them as independent. Published sets are not: their sources are all
nitrates or none is, some occur together again and again, and where a target holds fluorine, one of them brings it, if need be
a second source of a metal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from typing import Final, TypeAlias

import numpy as np
from scipy.sparse import csc_matrix

from aiida_mlhull.science.recipes.retrosynthesis import NONMETALS
from aiida_mlhull.science.recipes.source_features import KINDS, LEAVING, TINY, Question, SourceTable
from aiida_mlhull.science.representations.composition import NUMBERS, Composition
from aiida_mlhull.science.types.crystals import Floats, Integers

Names: TypeAlias = frozenset[int]
"""A set of sources, by their places in a :class:`SourceTable`."""
WIDE: Final = 40
"""Sets that are kept while metals are added one after the other."""
LIKELIEST: Final = 30
"""Of them, so many are looked at."""
WIDENED: Final = 8
"""The first ones, to which a second source of a metal is added where it brings an anion of the target."""
SECOND: Final = 16
"""So widened sets that are looked at."""
BESIDE: Final = 1.0
"""What a second source of a metal takes off a set's logarithm, besides its own."""
BROUGHT: Final = frozenset(NUMBERS[symbol] for symbol in ("F", "Cl", "Br", "I", "S", "Se", "N", "P"))
"""Anions that a source may be chosen for."""
VOTES: Final = (1, 2, 3, 4)
"""Columns of the weights of recipes that vote for whole sets."""
TOGETHER: Final = 1.0
"""Recipes that are added to those that use two sources, and to those that would by chance."""
MARKS: Final = (0, 2, 3, 4, 6, 7, 8, 9, 10)
"""Columns of the kinds that mark a set: elements, nitrates, organic ones, hydroxides, fluorides, chlorides, ..."""
O, N, C = (NUMBERS[symbol] for symbol in ("O", "N", "C"))  # noqa: E741  (the elements)


def independent(questions: list[Question], chances: list[Floats]) -> dict[Names, float]:
    """The likeliest sets with one source for every metal, and the logarithms of the products of their chances."""
    best: dict[Names, float] = {frozenset(): 0.0}
    for one, found in zip(questions, chances, strict=True):
        longer: dict[Names, float] = {}
        logs = list(zip(one.sources.tolist(), np.log(found).tolist(), strict=True))
        for names, sofar in best.items():
            for source, log in logs:
                both = names | {source}
                longer[both] = max(longer.get(both, -np.inf), sofar + log)
        best = dict(sorted(longer.items(), key=lambda item: (-item[1], sorted(item[0])))[:WIDE])
    return best


class SetTable:
    """Published sets of sources, ready to be asked which ones are alike.

    Args:
        table: of the sources.
    """

    def __init__(self, table: SourceTable) -> None:
        self._table = table
        self._used: csc_matrix = table.used.tocsc()
        self._nonmetals = [frozenset(one.numbers) & NONMETALS for one in table.sources]
        self._mark: Integers = (table.kinds[:, MARKS] > 0) @ (1 << np.arange(len(MARKS)))
        self._rows: dict[Names, list[int]] = {}
        marks = []
        for row, (start, end) in enumerate(zip(table.used.indptr, table.used.indptr[1:], strict=False)):
            names = frozenset(table.used.indices[start:end].tolist())
            self._rows.setdefault(names, []).append(row)
            marks.append(self._marked(names))
        self._marks = np.asarray(marks, dtype=np.int64)

    def _marked(self, names: Names) -> int:
        return int(np.bitwise_or.reduce(self._mark[sorted(names)])) if names else 0

    def candidates(self, target: Composition, questions: list[Question], chances: list[Floats]) -> dict[Names, float]:
        """Sets to choose among with the logarithms of their chances, metals taken as independent; likeliest first."""
        first = list(independent(questions, chances).items())[:LIKELIEST]
        wanted, found = BROUGHT & set(target.numbers), dict(first)
        more: dict[Names, float] = {}
        for one, values in zip(questions, chances, strict=True) if wanted else ():
            for source, value in zip(one.sources.tolist(), values.tolist(), strict=True):
                if not wanted & self._nonmetals[source]:
                    continue
                for names, log in first[:WIDENED]:
                    both = names | {source}
                    if both not in found:
                        more[both] = max(more.get(both, -np.inf), log + float(np.log(value)) - BESIDE)
        return found | dict(sorted(more.items(), key=lambda item: (-item[1], sorted(item[0])))[:SECOND])

    def features(
        self,
        target: Composition,
        logs: Mapping[Names, float],
        questions: list[Question],
        chances: list[Floats],
        *,
        unseen: bool = False,
    ) -> Floats:
        """(s, f) of each set.

        Args:
            target: of all sets.
            logs: sets, and the logarithms of their chances with metals taken as independent.
            questions: of the target's metals.
            chances: of their sources.
            unseen: whether the recipes of the target's part of the chemical systems are left out.
        """
        sets = [sorted(names) for names in logs]
        part = self._table.part(target, unseen=unseen)
        compared = np.column_stack([self._pairs(sets, part), self._votes(target, sets, part)])
        values = np.asarray(list(logs.values()))
        best = compared[np.argmax(values)]
        own = self._chances(sets, values, questions, chances)
        return np.column_stack([own, compared, compared - best, self._brought(target, sets)]).astype(np.float32)

    def _chances(self, sets: list[list[int]], logs: Floats, questions: list[Question], chances: list[Floats]) -> Floats:
        """(s, 11) how likely a set is, alone and beside the others; its least likely source; sources and metals."""
        likely: dict[int, tuple[float, float]] = {}
        for one, found in zip(questions, chances, strict=True):
            for source, value, share in zip(one.sources.tolist(), found, found / found.max(), strict=True):
                likely[source] = max(likely.get(source, (0.0, 0.0)), (float(value), float(share)))
        rows = []
        for names in sets:
            values, shares = np.asarray([likely[i] for i in names]).T
            sizes = [len(names), len(questions), len(names) - len(questions)]
            rows.append([values.min(), np.log(values).mean(), shares.min(), (shares >= 1.0).sum(), *sizes])
        place = np.argsort(np.argsort(-logs, kind="stable"), kind="stable")
        beside = logs - np.logaddexp.reduce(logs)
        return np.column_stack([logs, logs - logs.max(), beside, place, np.asarray(rows)])

    def _pairs(self, sets: list[list[int]], part: int) -> Floats:
        """(s, 6) how much oftener than by chance two sources occur together, and in which share of the rarer one's recipes."""
        every = sorted({i for names in sets for i in names})
        at = {source: i for i, source in enumerate(every)}
        used = self._used[:, every].toarray()[self._table.parts != part].astype(np.float32)
        together = (used.T @ used).astype(np.float64)
        alone = np.diag(together)
        lift = np.log((together + TOGETHER) / (np.outer(alone, alone) / max(len(used), 1) + TOGETHER))
        share = (together + TOGETHER) / (np.minimum(alone[:, None], alone) + 2 * TOGETHER)
        rows = []
        for names in sets:
            pairs = [(at[a], at[b]) for a, b in combinations(names, 2)]
            lifts, shares = (np.asarray([table[pair] for pair in pairs] or [0.0]) for table in (lift, share))
            rows.append([lifts.mean(), lifts.min(), lifts.max(), lifts.sum(), shares.mean(), shares.min()])
        return np.asarray(rows)

    def _votes(self, target: Composition, sets: list[list[int]], part: int) -> Floats:
        """(s, 9) recipes with the very set; their share by nearness; share of those whose sources are of the same kinds."""
        weights = self._table.weights(target, part)[:, VOTES]
        weights /= np.maximum(weights.sum(axis=0), TINY)
        kinds = np.zeros((1 << len(MARKS), len(VOTES)))
        for column in range(len(VOTES)):
            kinds[:, column] = np.bincount(self._marks, weights=weights[:, column], minlength=len(kinds))
        rows = []
        for names in sets:
            same = [row for row in self._rows.get(frozenset(names), ()) if self._table.parts[row] != part]
            rows.append([np.log1p(len(same)), *weights[same].sum(axis=0), *kinds[self._marked(frozenset(names))]])
        return np.asarray(rows)

    def _brought(self, target: Composition, sets: list[list[int]]) -> Floats:
        """(s, 19) shares of the kinds of sources; anions that are lacking, and those that are not the target's."""
        atoms = set(target.numbers)
        wanted = (atoms & NONMETALS) - LEAVING
        rows = []
        for names in sets:
            anions = frozenset[int]().union(*(self._nonmetals[i] for i in names))
            flags = [O in anions - atoms, N in anions & atoms, C in anions & atoms, len(wanted), O in atoms]
            strange = [len(wanted - anions), len(anions - atoms - LEAVING), *map(float, flags)]
            most = max(Counter(z for i in names for z in self._table.metals[i]).values())
            rows.append([*self._table.kinds[names, :KINDS].mean(axis=0), *strange, most])
        return np.asarray(rows)
