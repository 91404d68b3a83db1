"""Known energies, ordered so that the competitors of any chemical system are found by looking up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, combinations, pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.representations.composition import SYMBOLS, Composition, distinct
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Strings

Number = TypeVar("Number", np.float64, np.int64)
Blocks = list[tuple[int, int]]
"""Ranges of rows, each of one chemical system."""


class GroundStates:
    """The lowest entry of every composition, grouped by chemical system.

    Only ground states can lie on a hull; of polymorphs with the same energy the one that comes first
    (tables are sorted by id) stands for the composition. Energies are also kept relative to the plane
    through the elements, as they were in the beginning: small numbers keep the solver exact. Memory:
    about 270 bytes per composition, 430 while it is built.

    The arrays may be longer than the m rows: new rows go into spare room at their end.

    Args:
        formulas: (n,) reduced formulas of all entries.
        energies: (n,) eV/atom.

    Attributes:
        compositions: of the m rows.
        row_of: composition to row.
        elements: atomic number to the row of the pure element.
        plane: (119,) eV/atom, lowest energy of every element at the start, NaN where there is none.
        entries: (m,) position of the lowest entry of each composition in the arrays given.
        energies: (m,) eV/atom.
        formation: (m,) eV/atom above ``plane``, infinite where an element is missing.
        preferences: (m,) numbers in [0, 1) made of the composition alone, to settle ties.
        offsets: (m + 1,), row r has the numbers and fractions ``offsets[r]:offsets[r + 1]``.
        numbers: atomic numbers, row after row.
        fractions: atomic fractions, likewise.
    """

    def __init__(self, formulas: Sequence[str] | Strings, energies: Floats) -> None:
        found, which = distinct(np.asarray(formulas, dtype=np.str_).tolist())
        order = np.lexsort((np.arange(len(which)), energies, which))
        lowest = order[np.flatnonzero(np.diff(which[order], prepend=-1))]
        by_system = by_chemical_system(found)
        self.compositions = [found[i] for i in by_system]
        self.row_of = dict(zip(self.compositions, range(len(found)), strict=True))
        systems = [composition[0] for composition in self.compositions]
        self._blocks = blocks_of(systems)
        self.elements = {numbers[0]: blocks[0][0] for numbers, blocks in self._blocks.items() if len(numbers) == 1}
        self.entries: Integers = lowest[by_system].astype(np.int64)
        self.energies: Floats = np.asarray(energies, dtype=np.float64)[self.entries]
        self.plane: Floats = np.full(len(SYMBOLS) + 1, np.nan)
        self.plane[list(self.elements)] = self.energies[list(self.elements.values())]
        self.offsets: Integers = offsets_of(list(map(len, systems)))
        self.numbers: Integers = flat_integers(systems)
        counts = flat_integers([composition[1] for composition in self.compositions])
        self.fractions: Floats = fractions_of(counts, self.offsets)
        self.formation: Floats = above_plane(self.energies, self._mixed(self.plane[self.numbers]))
        self.preferences: Floats = scattered(self._mixed(np.sqrt(self.numbers)))

    def _mixed(self, values: Floats) -> Floats:
        """(m,) mean of one value per element, weighted by the fractions."""
        if not self.compositions:
            return np.empty(0)
        return np.asarray(np.add.reduceat(values * self.fractions, self.offsets[:-1]))

    def __len__(self) -> int:
        return len(self.compositions)

    def compounds_within(self, numbers: tuple[int, ...]) -> Blocks:
        """Rows of all compounds (two elements and more) whose elements are among ``numbers``, ascending."""
        if 1 << len(numbers) > len(self._blocks):
            inside = set(numbers)
            subsets: Iterable[tuple[int, ...]] = [s for s in self._blocks if len(s) > 1 and inside.issuperset(s)]
        else:
            subsets = chain.from_iterable(combinations(numbers, size) for size in range(2, len(numbers) + 1))
        return [block for subset in subsets for block in self._blocks.get(subset, ())]

    def set_lowest(self, composition: Composition, *, energy: float, entry: int) -> None:
        """State what the lowest entry of a composition is now; infinite energy withdraws it."""
        row = self.row_of.get(composition)
        if row is None:
            row = self._append(composition)
        span = slice(self.offsets[row], self.offsets[row + 1])
        mixed = (self.plane[self.numbers[span]] * self.fractions[span]).sum()
        self.energies[row] = energy
        self.entries[row] = entry
        self.formation[row] = above_plane(np.asarray([energy]), mixed)[0]

    def _append(self, composition: Composition) -> int:
        """A new row at the end, still without energy."""
        row, start = len(self), int(self.offsets[len(self)])
        stop = start + len(composition.numbers)
        self.compositions.append(composition)
        self.row_of[composition] = row
        self._blocks.setdefault(composition.numbers, []).append((row, row + 1))
        for name, at, values in (
            ("offsets", row + 1, [stop]),
            ("numbers", start, composition.numbers),
            ("fractions", start, np.asarray(composition.counts) / composition.atoms),
            ("energies", row, [np.inf]),
            ("formation", row, [np.inf]),
            ("entries", row, [-1]),
        ):
            setattr(self, name, with_values(getattr(self, name), at, values))
        mixed = (np.sqrt(composition.numbers) * self.fractions[start:stop]).sum()
        self.preferences = with_values(self.preferences, row, scattered(np.asarray([mixed])))
        return row


def with_values(array: NDArray[Number], at: int, values: Sequence[float] | Floats) -> NDArray[Number]:
    """The array with ``values`` written from position ``at`` on, made a quarter longer where it ends before."""
    written = np.asarray(values, dtype=array.dtype)
    stop = at + len(written)
    if stop > len(array):
        array = np.concatenate([array, np.zeros(max(stop - len(array), len(array) // 4 + 16), dtype=array.dtype)])
    array[at:stop] = written
    return array


def above_plane(energies: Floats, mixed: Floats) -> Floats:
    """Energies minus those of the mixed elements; infinite where one of the two is not known."""
    return np.nan_to_num(energies - mixed, nan=np.inf, posinf=np.inf)


def scattered(values: Floats) -> Floats:
    """Numbers in [0, 1] without a pattern, always the same for the same values."""
    return np.asarray((1.0 + np.sin(1000.0 * values)) / 2.0)


def by_chemical_system(compositions: Sequence[Composition]) -> list[int]:
    """Positions in an order of their own: systems together, small ones first, then by counts."""
    keys = [(len(numbers), *numbers, *counts) for numbers, counts in compositions]
    return sorted(range(len(keys)), key=keys.__getitem__)


def blocks_of(systems: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], Blocks]:
    """Chemical system to the range of its rows, which lie side by side."""
    starts = [row for row, numbers in enumerate(systems) if not row or numbers != systems[row - 1]]
    return {systems[start]: [(start, stop)] for start, stop in pairwise([*starts, len(systems)])}


def flat_integers(rows: Sequence[tuple[int, ...]]) -> Integers:
    """All numbers of all rows, one after the other."""
    return np.fromiter(chain.from_iterable(rows), dtype=np.int64)


def offsets_of(sizes: Sequence[int]) -> Integers:
    """(n + 1,) where each of n rows begins in a flat array, and where the last one ends."""
    return np.cumsum([0, *sizes], dtype=np.int64)


def fractions_of(counts: Integers, offsets: Integers) -> Floats:
    """Counts divided by their row's sum; row r is ``offsets[r]:offsets[r + 1]``, none is empty."""
    atoms = np.add.reduceat(counts, offsets[:-1]) if len(offsets) > 1 else np.empty(0)
    return np.asarray(counts / np.repeat(atoms, np.diff(offsets)))
