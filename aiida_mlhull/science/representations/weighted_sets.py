"""Materials as multisets of weighted things: elements of a composition, Wyckoff positions of a crystal.

What Roost and Wren read. A *member* is an element (Roost), or an element on a Wyckoff position (Wren), with
its share of the atoms as weight. Wren's letters depend on the choice of origin and axes, so a material is
several sets, one for every equivalent lettering, over which the network averages.

Two things are done that change no number a network computes:

- Members of one set that agree in element, embedding and weight are one node with a count; letterings that
  agree in all nodes are one set with a share.
- Rows of the same composition or label are one material, represented and predicted once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import gcd
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.representations.composition import NUMBERS, Composition
from aiida_mlhull.science.representations.protostructure import letters_of
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.representations.wyckoff_positions.embedding import wyckoff_embedding
from aiida_mlhull.science.representations.wyckoff_tables import multiplicities, relabelings
from aiida_mlhull.science.types.crystals import Crystals, Integers
from aiida_mlhull.science.types.table import Strings

T = TypeVar("T", bound=Hashable)


class Node(NamedTuple):
    """Equal members of a set.

    Attributes:
        element: atomic number.
        kind: row of the Wyckoff embedding; 0 in compositions.
        weight: share of the material's atoms that one member has.
        times: how many members the node stands for; they times the weights sum to one over a set.
    """

    element: int
    kind: int
    weight: float
    times: int


Lettering = tuple[tuple[Node, ...], float]
"""The nodes of a set, and the share of the material's equivalent letterings that are this set."""


@dataclass(frozen=True, eq=False)
class WeightedSets:
    """m different materials with S sets and V nodes together, and which of them each of n rows is.

    Attributes:
        materials: (n,) the material of every row.
        set_offsets: (m + 1,), sets of material ``i`` are ``set_offsets[i]:set_offsets[i + 1]``.
        node_offsets: (S + 1,), likewise for the nodes of every set.
        shares: (S,) they sum to one in every material.
        elements: (V,) atomic numbers.
        kinds: (V,) see :class:`Node`.
        weights: (V,).
        counts: (V,).
    """

    materials: Integers
    set_offsets: Integers
    node_offsets: Integers
    shares: NDArray[np.float32]
    elements: Integers
    kinds: Integers
    weights: NDArray[np.float32]
    counts: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.materials)

    def distinct(self) -> WeightedSets:
        """Every material once, so that row ``i`` is material ``i``."""
        return replace(self, materials=np.arange(len(self.set_offsets) - 1))


def composition_sets(crystals: Crystals) -> WeightedSets:
    """Every crystal as the set of its elements."""
    return sets_of_compositions(_compositions(crystals))


def sets_of_compositions(compositions: Sequence[Composition]) -> WeightedSets:
    """The same from compositions, for tables that have no cells."""

    def nodes(composition: Composition) -> list[Lettering]:
        parts = zip(composition.numbers, composition.counts, strict=True)
        return [(tuple(Node(z, 0, count / composition.atoms, 1) for z, count in parts), 1.0)]

    different, materials = _different(compositions)
    return _packed(materials, [nodes(composition) for composition in different])


def wyckoff_sets(crystals: Crystals, labels: Strings | None = None) -> WeightedSets:
    """Every crystal as its occupied Wyckoff positions.

    Labels that are not given come from :func:`~aiida_mlhull.science.representations.wyckoff.protostructures`; a crystal without
    one counts as its formula unit without symmetry, all atoms on the one position of space group P1.
    """
    words = protostructures(crystals) if labels is None else labels
    without = np.flatnonzero(words == "")
    formulas = dict(zip(without.tolist(), _compositions(crystals.take(without)), strict=True))
    different, materials = _different(label or formulas[row] for row, label in enumerate(words.tolist()))
    return _packed(materials, [_letterings(material) for material in different])


def sets_of_labels(labels: Sequence[str]) -> WeightedSets:
    """The same from protostructure labels, for candidates that have no cells yet.

    Raises:
        CrystalError: if one is not such a label.
    """
    different, materials = _different(labels)
    return _packed(materials, [_letterings(label) for label in different])


def _letterings(material: str | Composition) -> list[Lettering]:
    if isinstance(material, Composition):
        general, share = wyckoff_embedding().kind(1, "a"), 1 / material.atoms
        parts = zip(material.numbers, material.counts, strict=True)
        return [(tuple(Node(z, general, share, count) for z, count in parts), 1.0)]
    group, elements, letters = letters_of(material)
    numbers = [NUMBERS[element] for element, word in zip(elements, letters, strict=True) for _ in word]
    weights, choices = _choices(group, tuple(letter for word in letters for letter in word))
    merged: Counter[tuple[Node, ...]] = Counter()
    for kinds in choices:
        counted = Counter(zip(numbers, kinds, weights, strict=True))
        merged[tuple(Node(*member, count) for member, count in sorted(counted.items()))] += 1
    return [(nodes, found / len(choices)) for nodes, found in sorted(merged.items())]


@lru_cache(maxsize=100_000)
def _choices(group: int, letters: tuple[str, ...]) -> tuple[tuple[float, ...], list[tuple[int, ...]]]:
    """Weights of the members, and their rows in the embedding for every different lettering."""
    sites, embedding = multiplicities(group), wyckoff_embedding()
    total = sum(sites[letter] for letter in letters)
    renamed = sorted({tuple(choice[letter] for letter in letters) for choice in relabelings(group)})
    kinds = [tuple(embedding.kind(group, letter) for letter in choice) for choice in renamed]
    return tuple(sites[letter] / total for letter in letters), kinds


def _compositions(crystals: Crystals) -> list[Composition]:
    found = []
    for index in range(len(crystals)):
        counts = crystals.element_counts(index)
        divisor = gcd(*counts.values())
        found.append(Composition(tuple(counts), tuple(count // divisor for count in counts.values())))
    return found


def _different(things: Iterable[T]) -> tuple[list[T], Integers]:
    """The different ones in order of first appearance, and which of them each is."""
    seen: dict[T, int] = {}
    which = [seen.setdefault(thing, len(seen)) for thing in things]
    return list(seen), np.asarray(which, dtype=np.int64)


def _packed(materials: Integers, letterings: Sequence[Sequence[Lettering]]) -> WeightedSets:
    sets = [lettering for material in letterings for lettering in material]
    nodes = [node for members, _ in sets for node in members]
    element, kind, weight, count = zip(*nodes, strict=True) if nodes else ((), (), (), ())
    return WeightedSets(
        materials=materials,
        set_offsets=np.cumsum([0, *(len(material) for material in letterings)]),
        node_offsets=np.cumsum([0, *(len(members) for members, _ in sets)]),
        shares=np.asarray([share for _, share in sets], dtype=np.float32),
        elements=np.asarray(element, dtype=np.int64),
        kinds=np.asarray(kind, dtype=np.int64),
        weights=np.asarray(weight, dtype=np.float32),
        counts=np.asarray(count, dtype=np.float32),
    )
