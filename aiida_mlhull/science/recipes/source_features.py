"""Which sources a metal of a target may come from, and how each of them stands among the others.

Votes of published recipes: all of them, those of near targets at three widths, and those with the same anions; the target's
other metals; what kind of compound the source is; target and metal themselves. Features of a published target are
taken with its whole chemical system left out, so that a model learns what it is asked: systems never seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_matrix

from aiida_mlhull.science.recipes.literature import Literature
from aiida_mlhull.science.recipes.retrosynthesis import NONMETALS, metal_sources
from aiida_mlhull.science.representations.composition import NUMBERS, Composition
from aiida_mlhull.science.representations.magpie import magpie_table
from aiida_mlhull.science.types.crystals import Floats, Integers

WIDTHS: Final = (0.03, 0.08, 0.2)
"""Distances (half the summed differences of fractions) at which a recipe's vote has fallen to 1/e."""
MOST: Final = 10
"""Sources of one metal that are looked at, those with the most votes."""
ANIONS: Final = ("H", "C", "N", "O", "F", "P", "S", "Cl", "Se", "Br", "I", "Te", "B", "Si", "Ge")
"""Elements that make families: targets with the same ones among these have votes of their own."""
LEAVING: Final = frozenset(NUMBERS[symbol] for symbol in ("H", "C", "N", "O"))
"""Nonmetals that leave as gases."""
PROPERTIES: Final = 8
"""Of Magpie's properties of a metal, so many: number, place on Mendeleev's scale, weight, melting point, column, row, radius,
electronegativity."""
SMOOTH: Final = 2.0
"""Recipes by which a metal's overall votes stand beside those of recipes that share another metal of the target."""


@dataclass(frozen=True, eq=False)
class Question:
    """One metal of a target, and c sources that it may come from.

    Attributes:
        metal: atomic number.
        sources: (c,) places among :attr:`SourceTable.sources`, those with the most votes first.
        features: (c, f) of each.
    """

    metal: int
    sources: Integers
    features: Floats


class SourceTable:
    """Published recipes, ready to be asked for the sources of a target's metals.

    Args:
        literature: that is counted.

    Attributes:
        sources: (s,) all compounds that bring a metal anywhere, in order.
    """

    def __init__(self, literature: Literature) -> None:
        chosen = [metal_sources(names) for names in literature.sets]
        self.sources: list[Composition] = sorted({one for names in chosen for one in names})
        self.place = {one: i for i, one in enumerate(self.sources)}
        pairs = [(row, self.place[one]) for row, names in enumerate(chosen) for one in sorted(names)]
        rows, columns = np.asarray(pairs, dtype=np.int64).reshape(-1, 2).T
        shape = len(chosen), len(self.sources)
        self._used = csr_matrix((np.ones(len(pairs)), (rows, columns)), shape=shape)
        self._votes = self._used.T.tocsr()
        self._uses = np.asarray(self._used.sum(axis=0)).ravel()
        self._fractions = np.asfortranarray(literature.fractions)
        present = (literature.fractions > 0).astype(np.float64)
        self._beside = np.asarray(self._votes @ present).T
        self._family = _families(literature.fractions)
        self._systems: dict[frozenset[int], list[int]] = {}
        for row, target in enumerate(literature.targets):
            self._systems.setdefault(frozenset(target.numbers), []).append(row)
        self._metals = [frozenset(one.numbers) - NONMETALS for one in self.sources]
        self._of: dict[int, list[int]] = {}
        for i, metals in enumerate(self._metals):
            for z in metals:
                self._of.setdefault(z, []).append(i)
        self._kinds = np.asarray([_kind(one) for one in self.sources]).reshape(len(self.sources), -1)

    def questions(self, target: Composition, *, unseen: bool = False) -> list[Question]:
        """One for every metal; empty where a metal has no source of which all metals are the target's.

        Args:
            target: whose sources are asked for.
            unseen: whether recipes of its chemical system are left out.
        """
        metals = [z for z in target.numbers if z not in NONMETALS]
        mine = np.zeros(self._fractions.shape[1])
        mine[np.asarray(target.numbers) - 1] = np.asarray(target.counts) / target.atoms
        own = np.asarray(self._systems.get(frozenset(target.numbers), []) if unseen else [], dtype=np.int64)
        gone = np.asarray(self._used[own].sum(axis=0)).ravel() if len(own) else np.zeros(len(self.sources))
        uses = self._uses - gone
        votes = np.column_stack([self._near_votes(mine, target, own), uses])
        nearby = votes[:, 1] @ self._kinds[:, :KINDS] / max(votes[:, 1].sum(), TINY)
        whole = np.concatenate([mine[_PLACES], [len(metals), len(target.numbers), target.atoms], nearby])
        asked = []
        for z in metals:
            some = [i for i in self._of.get(z, ()) if uses[i] > 0 and self._metals[i].issubset(metals)]
            if not some:
                return []
            asked.append(self._question(z, np.asarray(some), target=target, votes=votes, gone=gone, whole=whole))
        return asked

    def _near_votes(self, mine: Floats, target: Composition, own: Integers) -> Floats:
        """(s, widths + 2) summed weights of the recipes with each source: by nearness; nearest of the family; all of it."""
        there = np.asarray(target.numbers) - 1
        away = 1.0 - np.minimum(self._fractions[:, there], mine[there]).sum(axis=1)
        same = self._family == _families(mine[None])[0]
        weights = np.column_stack([*(np.exp(-away / w) for w in WIDTHS), same * np.exp(-away / WIDTHS[-1]), same])
        weights[own] = 0.0
        return np.asarray(self._votes @ weights)

    def _question(
        self, z: int, some: Integers, *, target: Composition, votes: Floats, gone: Floats, whole: Floats
    ) -> Question:
        shares = votes[some] / np.maximum(votes[some].sum(axis=0), TINY)
        order = np.argsort(-(shares[:, 1] + shares[:, 2] + shares[:, 3] + 0.1 * shares[:, -1]), kind="stable")[:MOST]
        some, shares = some[order], shares[order]
        relative = shares / np.maximum(shares.max(axis=0), TINY)
        others = [m for m in target.numbers if m not in NONMETALS and m != z]
        beside = self._beside[np.asarray(others, dtype=np.int64) - 1][:, some] - gone[some]
        given = (beside + SMOOTH * shares[:, -1]) / (beside.sum(axis=1, keepdims=True) + SMOOTH)
        given = given if others else shares[None, :, -1]
        chosen = [self.sources[i] for i in some]
        nonmetals = [set(one.numbers) & NONMETALS - set(target.numbers) - LEAVING for one in chosen]
        shared = [len(set(one.numbers) & set(target.numbers)) for one in chosen]
        of_metal = [magpie_table()[1][z, :PROPERTIES], [target.counts[target.numbers.index(z)] / target.atoms]]
        columns = [
            shares, relative, np.log(votes[some, -1]), given.mean(axis=0), given.min(axis=0), given.max(axis=0),
            np.arange(len(some)), self._kinds[some], [len(self._metals[i]) for i in some],
            [len(one) for one in nonmetals], shared, np.tile(np.concatenate([whole, *of_metal]), (len(some), 1)),
        ]  # fmt: skip
        return Question(z, some, np.column_stack(columns).astype(np.float32))


TINY: Final = 1e-30
KINDS: Final = 11
"""Leading columns of :func:`_kind` that are yes or no."""
_PLACES: Final = np.asarray([NUMBERS[symbol] - 1 for symbol in ANIONS])


def _families(fractions: Floats) -> Integers:
    """(n,) a number for every combination of anions."""
    return np.asarray((fractions[:, _PLACES] > 0) @ (1 << np.arange(len(ANIONS))), dtype=np.int64)


def _kind(one: Composition) -> list[float]:
    """What a source is.

    Yes or no: element, carbonate, nitrate, organic, hydroxide or hydrate, oxide, fluoride, chloride, with sulfur, with
    phosphorus, nitride. Then: number of elements, oxygen per atom of metal, atoms of metal, atoms.
    """
    there = set(one.symbols)
    atoms = dict(zip(one.symbols, one.counts, strict=True))
    metal = sum(n for z, n in zip(one.numbers, one.counts, strict=True) if z not in NONMETALS)
    asked = [
        len(there) == 1, {"C", "O"} <= there and "H" not in there, {"N", "O"} <= there, {"H", "C"} <= there,
        {"H", "O"} <= there and "C" not in there, len(there) == 2 and "O" in there, "F" in there, "Cl" in there,  # noqa: PLR2004
        "S" in there, "P" in there, "N" in there and "O" not in there,
    ]  # fmt: skip
    return [*map(float, asked), float(len(there)), atoms.get("O", 0) / metal, float(metal), float(one.atoms)]
