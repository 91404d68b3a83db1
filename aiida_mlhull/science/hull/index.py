"""Known energies, ordered so that the competitors of any chemical system are found by looking up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np

from aiida_mlhull.science.representations.composition import Composition, distinct
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.tables import Strings

Blocks = list[tuple[int, int]]
"""Ranges of rows, each of one chemical system."""


class GroundStates:
    """The lowest entry of every composition, grouped by chemical system.

    Only ground states can lie on a hull; of polymorphs with the same energy the one that comes first
    (tables are sorted by id) stands for the composition. About 100 bytes a composition.

    Args:
        formulas: (n,) reduced formulas of all entries.
        energies: (n,) eV/atom.

    Attributes:
        compositions: of the m rows.
        energies: (m,) eV/atom.
        entries: (m,) position of the lowest entry of each composition in the arrays given.
        row_of: composition to row.
        offsets: (m + 1,), row r has the numbers and fractions ``offsets[r]:offsets[r + 1]``.
        numbers: atomic numbers, row after row.
        fractions: atomic fractions, likewise.
        elements: atomic number to the row of the pure element.
    """

    def __init__(self, formulas: Sequence[str] | Strings, energies: Floats) -> None:
        found, which = distinct(np.asarray(formulas, dtype=np.str_).tolist())
        order = np.lexsort((np.arange(len(which)), energies, which))
        lowest = order[np.flatnonzero(np.diff(which[order], prepend=-1))] if len(order) else order
        by_system = sorted(range(len(found)), key=found.__getitem__)
        self.compositions = [found[i] for i in by_system]
        self.entries: Integers = lowest[by_system].astype(np.int64)
        self.energies: Floats = np.asarray(energies, dtype=np.float64)[self.entries]
        self.row_of = {composition: row for row, composition in enumerate(self.compositions)}
        self.offsets: Integers = offsets_of(len(composition.numbers) for composition in self.compositions)
        self.numbers: Integers = flat_integers([composition.numbers for composition in self.compositions])
        counts = flat_integers([composition.counts for composition in self.compositions])
        self.fractions: Floats = fractions_of(counts, self.offsets)
        self.elements = {c.numbers[0]: row for c, row in self.row_of.items() if len(c.numbers) == 1}
        self._blocks: dict[int, Blocks] = {}
        self._find_blocks()

    def _find_blocks(self) -> None:
        """Rows of one chemical system lie side by side after sorting."""
        start = 0
        for row, composition in enumerate(self.compositions):
            if row + 1 == len(self) or self.compositions[row + 1].numbers != composition.numbers:
                self._blocks[composition.mask] = [(start, row + 1)]
                start = row + 1

    def __len__(self) -> int:
        return len(self.compositions)

    def compounds_within(self, mask: int) -> Blocks:
        """Rows of all compounds (two elements and more) whose elements are among those of ``mask``."""
        if 1 << mask.bit_count() > len(self._blocks):
            return [b for key, bs in self._blocks.items() if key | mask == mask and key & (key - 1) for b in bs]
        found: Blocks = []
        subset = mask
        while subset:
            if subset & (subset - 1) and subset in self._blocks:
                found += self._blocks[subset]
            subset = (subset - 1) & mask
        return found

    def formation_energies(self, plane: Floats) -> Floats:
        """(m,) eV/atom above the plane through the elements; infinite where an element has no energy.

        Args:
            plane: (119,) eV/atom by atomic number, NaN where there is none.
        """
        mixed = np.add.reduceat(plane[self.numbers] * self.fractions, self.offsets[:-1]) if len(self) else np.empty(0)
        return np.nan_to_num(self.energies - mixed, nan=np.inf, posinf=np.inf)

    def preferences(self) -> Floats:
        """(m,) numbers in [0, 1) made of the composition alone: they settle ties between decompositions."""
        if not len(self):
            return np.empty(0)
        mixed = np.add.reduceat(np.sqrt(self.numbers) * self.fractions, self.offsets[:-1])
        return np.asarray((1.0 + np.sin(1000.0 * mixed)) / 2.0)

    def add(self, composition: Composition, energy: float, entry: int) -> int:
        """Put in a composition that was not here; returns its row."""
        row = len(self.compositions)
        self.compositions.append(composition)
        self.row_of[composition] = row
        self.energies = np.append(self.energies, energy)
        self.entries = np.append(self.entries, entry)
        self.offsets = np.append(self.offsets, self.offsets[-1] + len(composition.numbers))
        self.numbers = np.append(self.numbers, composition.numbers)
        self.fractions = np.append(self.fractions, np.asarray(composition.counts) / composition.atoms)
        self._blocks.setdefault(composition.mask, []).append((row, row + 1))
        if len(composition.numbers) == 1:
            self.elements[composition.numbers[0]] = row
        return row


def flat_integers(rows: Iterable[tuple[int, ...]]) -> Integers:
    """All numbers of all rows, one after the other."""
    return np.fromiter(chain.from_iterable(rows), dtype=np.int64)


def offsets_of(sizes: Iterable[int]) -> Integers:
    """(n + 1,) where each of n rows begins in a flat array, and where the last one ends."""
    return np.cumsum(np.fromiter(chain([0], sizes), dtype=np.int64))


def fractions_of(counts: Integers, offsets: Integers) -> Floats:
    """Counts divided by their row's sum; row r is ``offsets[r]:offsets[r + 1]``, none is empty."""
    atoms = np.add.reduceat(counts, offsets[:-1]) if len(offsets) > 1 else np.empty(0)
    return np.asarray(counts / np.repeat(atoms, np.diff(offsets)))
