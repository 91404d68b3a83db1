"""Spectra of sine matrices: a crystal as the eigenvalues of a Coulomb matrix with periodic boundary conditions.

Source: Faber, Lindmaa, von Lilienfeld and Armiento, Int. J. Quantum Chem. 115 (2015) 1094. With lattice vectors B
(rows) and fractional coordinates f,

    M_ii = Z_i^2.4 / 2
    M_ij = Z_i Z_j / length(sum_k B_k sin²(π (f_i - f_j)_k))

Eigenvalues don't depend on the order of atoms, their origin or the crystal's orientation, but they do on
the choice of the cell: every crystal is brought to its primitive, Niggli-reduced cell first.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import spglib
from numpy.typing import NDArray

from aiida_mlhull.science.types.crystals import Crystals, Floats

POWER: Final = 2.4
_TOLERANCE: Final = 1e-3
_NEAREST: Final = 1e-3
"""Å; two sites that the formula takes for one (at different sides of a face, say) stay that far apart."""


def sine_spectra(crystals: Crystals) -> Floats:
    """(n, widest) eigenvalues of every crystal, largest first, followed by zeros."""
    spectra = [_spectrum(*_reduced(*crystals.arrays(index))) for index in range(len(crystals))]
    table = np.zeros((len(spectra), max((len(one) for one in spectra), default=0)))
    for row, one in enumerate(spectra):
        table[row, : len(one)] = one
    return table


def sine_matrix(lattice: Floats, numbers: NDArray[np.int16], frac_coords: Floats) -> Floats:
    """(N, N) the matrix of a cell as it is."""
    sines = np.square(np.sin(np.pi * (frac_coords[:, None] - frac_coords[None])))
    lengths = np.maximum(np.linalg.norm(sines @ lattice, axis=2), _NEAREST)
    charges = numbers.astype(np.float64)
    matrix = charges[:, None] * charges / lengths
    matrix[np.diag_indices(len(charges))] = 0.5 * charges**POWER
    return np.asarray(matrix)


def _spectrum(lattice: Floats, numbers: NDArray[np.int16], frac_coords: Floats) -> Floats:
    values = np.linalg.eigvalsh(sine_matrix(lattice, numbers, frac_coords))
    return np.asarray(values[np.argsort(-np.abs(values), kind="stable")])


def _reduced(
    lattice: Floats, numbers: NDArray[np.int16], frac_coords: Floats
) -> tuple[Floats, NDArray[np.int16], Floats]:
    """The primitive Niggli cell, as far as spglib finds one; a cell that is primitive keeps its sites as they are."""
    primitive = spglib.find_primitive((lattice.tolist(), frac_coords.tolist(), numbers.tolist()), symprec=_TOLERANCE)
    cell, coordinates, atoms = lattice, frac_coords, numbers
    if primitive is not None and len(primitive[2]) < len(numbers):
        cell, coordinates, atoms = (np.asarray(part) for part in primitive)
    niggli = spglib.niggli_reduce(cell.tolist())
    if niggli is None:
        return cell, atoms.astype(np.int16), coordinates
    reduced = np.asarray(niggli)
    return reduced, atoms.astype(np.int16), coordinates @ cell @ np.linalg.inv(reduced)
