"""Conventional cells hold a primitive one several times over; a potential need only be asked about that one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.relaxation.symmetry import SymmetricCell
from aiida_mlhull.science.types.crystals import Floats, Integers

_EXACT = 0.02
"""How far a translation may lie from a fraction of the order of the group of translations."""


@dataclass(frozen=True, eq=False)
class Primitive:
    """The primitive cell of a cell, and the way back.

    Attributes:
        lattice: (3, 3) Å.
        numbers: (p,) atomic numbers.
        frac_coords: (p, 3) in units of ``lattice``.
        basis: (3, 3) the primitive vectors in units of the whole cell's.
        atoms: (N,) which primitive atom every atom of the whole cell is an image of.
        images: (N, 3) whole primitive vectors between the two.
    """

    lattice: Floats
    numbers: NDArray[np.int16]
    frac_coords: Floats
    basis: Floats
    atoms: Integers
    images: Integers

    def whole(self, lattice: Floats, frac_coords: Floats) -> tuple[Floats, Floats]:
        """The whole cell (3, 3) and its fractional coordinates (N, 3), once the primitive one has become this."""
        return np.asarray(np.linalg.solve(self.basis, lattice), dtype=np.float64), (
            frac_coords[self.atoms] + self.images
        ) @ self.basis


def primitive(cell: SymmetricCell) -> Primitive:
    """The primitive cell under the translations of ``cell``'s space group; the cell itself if there are none."""
    pure = np.flatnonzero((cell.rotations == np.eye(3, dtype=np.int64)).all(axis=(1, 2)))
    basis = _basis(_translations(cell, pure))
    if basis is None:
        return as_it_is(cell)
    kept, atoms = np.unique(cell.permutations[pure].min(axis=0), return_inverse=True)
    coords = cell.frac_coords @ np.linalg.inv(basis)
    return Primitive(
        lattice=basis @ cell.lattice,
        numbers=cell.numbers[kept],
        frac_coords=coords[kept],
        basis=basis,
        atoms=atoms,
        images=np.rint(coords - coords[kept][atoms]).astype(np.int64),
    )


def as_it_is(cell: SymmetricCell) -> Primitive:
    """The cell itself, in the same terms."""
    n = len(cell.numbers)
    nowhere = np.zeros((n, 3), dtype=np.int64)
    return Primitive(cell.lattice, cell.numbers, cell.frac_coords, np.eye(3), np.arange(n), nowhere)


def _translations(cell: SymmetricCell, pure: Integers) -> Floats:
    """(T, 3) translations in units of the cell's vectors, from where each takes the first atom."""
    x = cell.frac_coords
    return np.asarray(x[cell.permutations[pure, 0]] + cell.shifts[pure, 0] - x[0])


def _basis(translations: Floats) -> Floats | None:
    """(3, 3) a basis of the lattice of T translations and the whole cell's vectors; None if they are no such lattice."""
    order = len(translations)
    scaled = translations * order
    if order < 2 or np.abs(scaled - np.rint(scaled)).max() > _EXACT * order:  # noqa: PLR2004
        return None
    rows = [*np.rint(scaled).astype(np.int64).tolist(), *(order * np.eye(3, dtype=np.int64)).tolist()]
    reduced = np.array(_triangular(rows), dtype=np.float64) / order
    return reduced if abs(abs(np.linalg.det(reduced)) * order - 1.0) < 1e-6 else None  # noqa: PLR2004


def _triangular(rows: list[list[int]]) -> list[list[int]]:
    """Three rows with the same integer combinations as the given ones, by Euclid's algorithm column by column."""
    left, found = [list(row) for row in rows], []
    for column in range(3):
        while True:
            left.sort(key=lambda row: (row[column] == 0, abs(row[column])))
            pivot, others = left[0], [row for row in left[1:] if row[column] != 0]
            if not others:
                break
            for row in others:
                times = row[column] // pivot[column]
                row[:] = [a - times * b for a, b in zip(row, pivot, strict=True)]
        found.append(left.pop(0))
    return found
