"""Which sources a metal of a target may come from, and how each of them stands among the others.

Votes of published recipes: all of them, those of near targets at three widths and of alike ones at two, and those with the
same anions; the target's other metals; what kind of compound the source is; target and metal themselves. Simple compounds
that no recipe names are asked about, too: a fluoride of a metal is a likely source where other fluorides are. Features of a published target are
taken with a part of all chemical systems left out, its own among them, so that a model learns what it is asked: systems never
seen. Its own alone would not do: counts that lack just the answer give it away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_matrix

from aiida_mlhull.science.products.scales import places
from aiida_mlhull.science.recipes.literature import Literature
from aiida_mlhull.science.recipes.retrosynthesis import NONMETALS, metal_sources
from aiida_mlhull.science.recipes.simple_compounds import simple_compounds
from aiida_mlhull.science.representations.composition import NUMBERS, Composition
from aiida_mlhull.science.representations.magpie import magpie_table
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Booleans

WIDTHS: Final = (0.03, 0.08, 0.2)
"""Distances (half the summed differences of fractions) at which a recipe's vote has fallen to 1/e."""
ALIKE: Final = (0.01, 0.04)
"""One minus the cosine between softened fractions, at which a vote has fallen to 1/e."""
SOFT: Final = 3.0
"""Places on the modified Pettifor scale over which fractions are softened: elements at such a distance count 1/e."""
MOST: Final = 12
"""Published sources of one metal that are looked at, those with the most votes."""
UNSEEN: Final = 0.3
"""Uses that a source has whose logarithm would not be finite."""
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
        sources: (c,) places among :attr:`SourceTable.sources`, those with the most votes first, then simple compounds that
            have none.
        features: (c, f) of each.
    """

    metal: int
    sources: Integers
    features: Floats


class SourceTable:
    """Published recipes, ready to be asked for the sources of a target's metals.

    Args:
        literature: that is counted.
        seed: of the parts into which the chemical systems are put.

    Attributes:
        sources: (s,) all compounds that bring a metal anywhere, and simple compounds of these metals, in order.
        place: of each source among them.
        used: (n, s) one where a recipe uses a source.
        kinds: (s, k) what each source is.
        metals: (s,) atomic numbers of the metals that each brings.
        parts: (n,) part of the chemical systems that a recipe belongs to.
    """

    def __init__(self, literature: Literature, *, seed: int = 0) -> None:
        chosen = [metal_sources(names) for names in literature.sets]
        published = {one for names in chosen for one in names}
        simple = {z: simple_compounds(z) for z in sorted({z for one in published for z in one.numbers} - NONMETALS)}
        self.sources: list[Composition] = sorted(published | {one for pairs in simple.values() for _, one in pairs})
        self.place = {one: i for i, one in enumerate(self.sources)}
        self._simple = {z: [(anion, self.place[one]) for anion, one in pairs] for z, pairs in simple.items()}
        pairs = [(row, self.place[one]) for row, names in enumerate(chosen) for one in sorted(names)]
        rows, columns = np.asarray(pairs, dtype=np.int64).reshape(-1, 2).T
        self.used = csr_matrix((np.ones(len(pairs)), (rows, columns)), shape=(len(chosen), len(self.sources)))
        self._votes = self.used.T.tocsr()
        self._fractions = np.asfortranarray(literature.fractions)
        self._softened = _softened(literature.fractions)
        self._family = _families(literature.fractions)
        self.parts, self._part_of = _parted([frozenset(one.numbers) for one in literature.targets], seed=seed)
        self._uses, self._beside = self._counts(self.used, (literature.fractions > 0).astype(np.float64))
        self.metals = [frozenset(one.numbers) - NONMETALS for one in self.sources]
        self._of: dict[int, list[int]] = {}
        for i, metals in enumerate(self.metals):
            for z in metals:
                self._of.setdefault(z, []).append(i)
        self.kinds = np.asarray([_kind(one) for one in self.sources]).reshape(len(self.sources), -1)

    def _counts(self, used: csr_matrix, present: Floats) -> tuple[Floats, Floats]:
        """(parts + 1, s) uses of every source, (parts + 1, Z, s) beside every element; without each part, then of all."""
        kept = [np.flatnonzero(self.parts != part) for part in range(PARTS + 1)]
        uses = [np.asarray(used[rows].sum(axis=0)).ravel() for rows in kept]
        beside = [np.asarray(used[rows].T @ present[rows]).T for rows in kept]
        return np.asarray(uses), np.asarray(beside)

    def questions(self, target: Composition, *, unseen: bool = False) -> list[Question]:
        """One for every metal; empty where a metal has no source of which all metals are the target's.

        Args:
            target: whose sources are asked for.
            unseen: whether the recipes of its part of the chemical systems are left out, if there are any.
        """
        metals = [z for z in target.numbers if z not in NONMETALS]
        mine, part = self._mine(target), self.part(target, unseen=unseen)
        votes = np.column_stack([np.asarray(self._votes @ self.weights(target, part)), self._uses[part]])
        nearby = votes[:, 1] @ self.kinds[:, :KINDS] / max(votes[:, 1].sum(), TINY)
        whole = np.concatenate([mine[_PLACES], [len(metals), len(target.numbers), target.atoms], nearby])
        asked = []
        for z in metals:
            some = [i for i in self._of.get(z, ()) if votes[i, -1] > 0 and self.metals[i].issubset(metals)]
            if not some:
                return []
            more = [i for anion, i in self._simple[z] if votes[i, -1] <= 0 and (not anion or anion in target.numbers)]
            asked.append(
                self._question(z, np.asarray(some), more=more, target=target, votes=votes, part=part, whole=whole)
            )
        return asked

    def part(self, target: Composition, *, unseen: bool) -> int:
        """Of the chemical systems: the one that is left out; :data:`PARTS` where none is."""
        return self._part_of.get(frozenset(target.numbers), PARTS) if unseen else PARTS

    def _mine(self, target: Composition) -> Floats:
        mine = np.zeros(self._fractions.shape[1])
        mine[np.asarray(target.numbers) - 1] = np.asarray(target.counts) / target.atoms
        return mine

    def left_out_with(self, target: Composition) -> Booleans:
        """(n,) recipes that are left out where this target is taken as unseen."""
        return np.asarray(self.parts == self._part_of.get(frozenset(target.numbers), PARTS))

    def weights(self, target: Composition, part: int) -> Floats:
        """(n, widths + 4) of the recipes: by nearness; nearest of the family; all of it; by likeness of the elements."""
        there, mine = np.asarray(target.numbers) - 1, self._mine(target)
        away = 1.0 - np.minimum(self._fractions[:, there], mine[there]).sum(axis=1)
        unlike = 1.0 - self._softened @ _softened(mine[None])[0]
        same = self._family == _families(mine[None])[0]
        near, alike = (np.exp(-away / w) for w in WIDTHS), (np.exp(-unlike / w) for w in ALIKE)
        weights = np.column_stack([*near, same * np.exp(-away / WIDTHS[-1]), same, *alike])
        weights[self.parts == part] = 0.0
        return np.asarray(weights)

    def _question(
        self, z: int, some: Integers, *, more: list[int], target: Composition, votes: Floats, part: int, whole: Floats
    ) -> Question:
        sums = np.maximum(votes[some].sum(axis=0), TINY)
        shares = votes[some] / sums
        order = np.argsort(-(shares[:, 1] + shares[:, 2] + shares[:, 3] + 0.1 * shares[:, -1]), kind="stable")[:MOST]
        some = np.concatenate([some[order], np.asarray(more, dtype=np.int64)])
        shares, kinds = votes[some] / sums, self.kinds[some]
        relative = shares / np.maximum(shares.max(axis=0), TINY)
        others = [m for m in target.numbers if m not in NONMETALS and m != z]
        beside = self._beside[part][np.asarray(others, dtype=np.int64) - 1][:, some]
        given = (beside + SMOOTH * shares[:, -1]) / (beside.sum(axis=1, keepdims=True) + SMOOTH)
        given = given if others else shares[None, :, -1]
        chosen = [self.sources[i] for i in some]
        nonmetals = [set(one.numbers) & NONMETALS - set(target.numbers) - LEAVING for one in chosen]
        shared = [len(set(one.numbers) & set(target.numbers)) for one in chosen]
        of_metal = [magpie_table()[1][z, :PROPERTIES], [target.counts[target.numbers.index(z)] / target.atoms]]
        columns = [
            shares, relative, np.log(np.maximum(votes[some, -1], UNSEEN)), given.mean(axis=0), given.min(axis=0), given.max(axis=0),
            np.arange(len(some)), kinds, kinds[:, :KINDS] @ whole[-KINDS:], [len(self.metals[i]) for i in some],
            [len(one) for one in nonmetals], shared, np.tile(np.concatenate([whole, *of_metal]), (len(some), 1)),
        ]  # fmt: skip
        return Question(z, some, np.column_stack(columns).astype(np.float32))


TINY: Final = 1e-30
PARTS: Final = 10
"""Into which the chemical systems are put by chance."""
KINDS: Final = 11
"""Leading columns of :func:`_kind` that are yes or no."""
_PLACES: Final = np.asarray([NUMBERS[symbol] - 1 for symbol in ANIONS])


def _parted(systems: list[frozenset[int]], *, seed: int) -> tuple[Integers, dict[frozenset[int], int]]:
    """(n,) part of every recipe, and system to part."""
    different = sorted(set(systems), key=sorted)
    drawn = (np.random.default_rng(seed).permutation(len(different)) % PARTS).tolist()
    of = dict(zip(different, drawn, strict=True))
    return np.asarray([of[one] for one in systems], dtype=np.int64), of


def _softened(fractions: Floats) -> Floats:
    """(n, Z) fractions in which elements near on the modified Pettifor scale stand for each other; of length one."""
    scale = places().astype(np.float64)
    soft = fractions @ np.exp(-np.abs(scale[:, None] - scale) / SOFT)
    return np.asarray(soft / np.maximum(np.linalg.norm(soft, axis=1, keepdims=True), TINY))


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
