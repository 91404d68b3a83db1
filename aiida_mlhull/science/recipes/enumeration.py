"""Which precursors are tried: pairs and triples of a list, of the stable phases, or of what the literature uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import InputError, listed
from aiida_mlhull.science.hull.phase_space import PhaseSpace
from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.thermochemistry import GASES
from aiida_mlhull.science.types.crystals import Integers

MOST_TRIPLES: Final = 2_000_000


@dataclass(frozen=True, eq=False)
class Precursors:
    """Phases that may be reactants.

    Attributes:
        rows: in the phase space, ascending.
        missing: formulas that were asked for, but that no phase of the references has.
    """

    rows: Integers
    missing: tuple[str, ...]


def stable_precursors(space: PhaseSpace, target: int, shelf: PhaseSpace) -> Precursors:
    """All phases but the target that are stable by themselves; gases are not precursors.

    Args:
        space: the phases under the conditions of the reaction.
        target: row of the target.
        shelf: the phases as they are kept, in a closed system: BaCO3 falls apart in the furnace only.
    """
    stable = set(shelf.ids[shelf.stable()].tolist())
    gases = {reduce_formula(gas) for gas in GASES}
    left_out = {space.compositions[target], *gases}
    rows = [
        row
        for row, (name, composition) in enumerate(zip(space.ids.tolist(), space.compositions, strict=True))
        if name in stable and composition not in left_out
    ]
    return Precursors(np.asarray(rows, dtype=np.int64), ())


def listed_precursors(space: PhaseSpace, target: int, names: Sequence[str]) -> Precursors:
    """The lowest phases of these formulas, or phases of these ids.

    Raises:
        InputError: if fewer than two of them are among the references.
    """
    rows: set[int] = set()
    missing: list[str] = []
    for name in names:
        try:
            rows.add(space.row(name))
        except InputError:
            reduce_formula(name)  # a misspelled formula is not one that is missing
            missing.append(name)
    rows -= {row for row in rows if space.compositions[row] == space.compositions[target]}
    if len(rows) < 2:  # noqa: PLR2004
        raise InputError(
            f"of {len(names)} precursors {len(rows)} are among the references of {'-'.join(space.elements)}, two are "
            f"needed; missing: {listed(missing) or 'none'}"
        )
    return Precursors(np.asarray(sorted(rows), dtype=np.int64), tuple(missing))


def pairs(space: PhaseSpace, target: int, rows: Integers) -> Integers:
    """(r, 2) pairs that hold all conserved elements of the target and differ in conserved composition."""
    if len(rows) < 2:  # noqa: PLR2004
        return np.empty((0, 2), dtype=np.int64)
    every = np.asarray(list(combinations(rows.tolist(), 2)), dtype=np.int64)
    whole = space.masks[target] & ~(space.masks[every[:, 0]] | space.masks[every[:, 1]])
    every = every[whole == 0]
    apart = np.abs(space.fractions[every[:, 0]] - space.fractions[every[:, 1]]).max(axis=1, initial=0.0) > 1e-9  # noqa: PLR2004
    return np.asarray(every[apart])


def triples(space: PhaseSpace, target: int, rows: Integers) -> Integers:
    """(r, 3) triples that hold all conserved elements of the target.

    Raises:
        InputError: if there are more than can be looked through.
    """
    n = len(rows)
    if n * (n - 1) * (n - 2) // 6 > MOST_TRIPLES:
        raise InputError(f"{n} precursors make too many triples: name fewer with a list")
    every = np.asarray(list(combinations(rows.tolist(), 3)), dtype=np.int64).reshape(-1, 3)
    return np.asarray(every[(space.masks[target] & ~np.bitwise_or.reduce(space.masks[every], axis=1)) == 0])
