"""What some of many crystals are made of, beside all of them: elements, space groups, what is new about them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.metrics.classification import ratio
from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.representations.element_classes import element_classes
from aiida_mlhull.science.representations.wyckoff import of_either_hand, space_group_numbers
from aiida_mlhull.science.types.table import Booleans, Strings

MOST_FREQUENT: Final = 10

Shares = dict[str, tuple[float, float]]
"""Name to its share among the chosen rows, and among all rows; the most frequent among the chosen first."""


def element_shares(formulas: Strings, chosen: Booleans, *, most: int = MOST_FREQUENT) -> Shares:
    """Shares of rows that hold an element.

    Args:
        formulas: (n,) of all rows.
        chosen: (n,) which of them are looked at.
        most: elements at most.
    """
    return _shares(_holding(formulas[chosen]), _holding(formulas), int(chosen.sum()), len(chosen), most=most)


def space_group_shares(labels: Strings, chosen: Booleans, *, most: int = MOST_FREQUENT) -> Shares:
    """Shares of rows in a space group, by its number; rows without a label are in none.

    Args:
        labels: (n,) protostructures of all rows.
        chosen: (n,) which of them are looked at.
        most: space groups at most.
    """
    numbers, there = space_group_numbers(labels), labels != ""
    counts = [Counter(map(str, numbers[rows & there].tolist())) for rows in (chosen, np.ones_like(chosen))]
    return _shares(counts[0], counts[1], int(chosen.sum()), len(chosen), most=most)


@dataclass(frozen=True)
class Novelty:
    """What is new about n crystals, compared with what is known.

    Attributes:
        rows: n.
        unlabeled: without a protostructure, so that nothing can be said.
        known_labels: whose protostructure is known, mirror images counted as one.
        new_in_known_systems: whose protostructure is not known, in a chemical system with a known compound.
        new_in_new_systems: likewise, in a chemical system without one.
        new_kinds: of the new ones, those whose protostructure isn't known with any elements either.
    """

    rows: int
    unlabeled: int
    known_labels: int
    new_in_known_systems: int
    new_in_new_systems: int
    new_kinds: int


def novelty(labels: Strings, formulas: Strings, known_labels: Strings, known_formulas: Strings) -> Novelty:
    """Hold crystals against what is known.

    Args:
        labels: (n,) their protostructures, empty where there is none.
        formulas: (n,) theirs.
        known_labels: of known crystals; empty ones don't count.
        known_formulas: of known phases, with or without a crystal.
    """
    old = frozenset(of_either_hand(known_labels[known_labels != ""]).tolist())
    kinds = {element_classes(label).kind for label in old}
    in_known_system = in_known_systems(formulas, known_formulas)
    there = labels != ""
    spelled = of_either_hand(labels)
    is_new = there & ~np.isin(spelled, list(old))
    return Novelty(
        rows=len(labels),
        unlabeled=int((~there).sum()),
        known_labels=int((there & ~is_new).sum()),
        new_in_known_systems=int((is_new & in_known_system).sum()),
        new_in_new_systems=int((is_new & ~in_known_system).sum()),
        new_kinds=sum(element_classes(label).kind not in kinds for label in spelled[is_new].tolist()),
    )


def in_known_systems(formulas: Strings, known_formulas: Strings) -> Booleans:
    """(n,) whether a phase of the very same elements is known."""
    systems = {composition.numbers for composition in distinct(known_formulas.tolist())[0]}
    compositions, which = distinct(formulas.tolist())
    return np.asarray([one.numbers in systems for one in compositions], dtype=bool)[which]


def _holding(formulas: Strings) -> Counter[str]:
    """Rows by the element that they hold."""
    compositions, which = distinct(formulas.tolist())
    held = Counter[str]()
    for one, rows in zip(compositions, np.bincount(which, minlength=len(compositions)).tolist(), strict=True):
        held.update(dict.fromkeys(one.symbols, rows))
    return held


def _shares(here: Counter[str], everywhere: Counter[str], chosen: int, rows: int, *, most: int) -> Shares:
    first = sorted(here.items(), key=lambda item: (-item[1], item[0]))[:most]
    return {name: (ratio(count, chosen), ratio(everywhere[name], rows)) for name, count in first}
