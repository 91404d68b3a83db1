"""The space group of one cell, made exact, and the directions that keep it.

A relaxation that starts in a space group stays in it: forces and stress are invariant under the
group. Knowing the group before the first step therefore costs nothing and saves twice: the energy is
a function of a few invariant coordinates only (VASP symmetrizes forces and stress for the same
reason), and atoms, bonds and angles that the group maps on each other need evaluating once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

import moyopy
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from aiida_mlhull.science.types.crystals import Floats, Integers

SYMMETRY_TOLERANCE = 0.02
"""Å; prototype coordinates are often printed with three decimals, which moves an atom of a 20 Å cell by this much."""

Fixed = Literal["nothing", "plane", "cell"]
"""What of a cell stays as it is: the plane of the first two vectors, with both of them, or all three."""

_RANK_TOLERANCE = 1e-6
_METRIC_TOLERANCE = 1e-5
"""Relative; rounding in files that people write, and far below any strain that they mean."""

# moyopy warns of operations of the primitive cell that don't fit a supercell; there they are not symmetries.
logging.getLogger("moyo").setLevel(logging.ERROR)


@dataclass(frozen=True, eq=False)
class SymmetricCell:
    """A cell whose space group holds to rounding.

    Row vectors throughout: Cartesian positions are ``frac_coords @ lattice``. Operation ``g`` takes
    atom ``i`` to atom ``permutations[g, i]``, displaced by the whole cells ``shifts[g, i]``:
    ``rotations[g] @ x_i + t_g = x_permutations[g, i] + shifts[g, i]``.

    Attributes:
        lattice: (3, 3) Å.
        numbers: (N,) atomic numbers.
        frac_coords: (N, 3).
        rotations: (G, 3, 3) integers, acting on fractional column vectors.
        permutations: (G, N).
        shifts: (G, N, 3) integers.
        representatives: (O,) the first atom of every orbit.
        orbits: (N,) orbit number of every atom.
    """

    lattice: Floats
    numbers: NDArray[np.int16]
    frac_coords: Floats
    rotations: Integers
    permutations: Integers
    shifts: Integers
    representatives: Integers
    orbits: Integers

    @property
    def cartesian_rotations(self) -> Floats:
        """(G, 3, 3) orthogonal matrices acting on Cartesian row vectors from the right."""
        inverse = np.linalg.inv(self.lattice)
        return np.asarray(inverse @ np.swapaxes(self.rotations, 1, 2) @ self.lattice)

    @property
    def multiplicities(self) -> Integers:
        """(O,) atoms an orbit."""
        return np.bincount(self.orbits).astype(np.int64)


def symmetrize(
    lattice: Floats,
    numbers: NDArray[np.int16],
    frac_coords: Floats,
    *,
    tolerance: float = SYMMETRY_TOLERANCE,
    fixed: Fixed = "nothing",
) -> SymmetricCell:
    """Find the space group within ``tolerance`` (Å) and move cell and atoms so that it holds exactly.

    Where the search fails, or what it finds doesn't map the atoms one to one, the cell is returned
    untouched with the identity alone, which is always right and merely slower.

    Args:
        lattice: (3, 3) Å.
        numbers: (N,) atomic numbers.
        frac_coords: (N, 3).
        tolerance: Å.
        fixed: what of the cell has to stay as it is; operations that it doesn't have already are left out, lest a
            small strain be taken for noise.
    """
    rotations, translations = _operations(lattice, numbers, frac_coords, tolerance)
    kept = _that_keep(fixed, lattice, rotations)
    rotations, translations = rotations[kept], translations[kept]
    mapped = _map_atoms(lattice, numbers, frac_coords, rotations, translations, tolerance=4.0 * tolerance)
    if mapped is None:
        return without_symmetry(lattice, numbers, frac_coords)
    permutations, shifts = mapped
    images = np.einsum("gij,nj->gni", rotations, frac_coords) + translations[:, None] - shifts
    averaged = np.zeros_like(frac_coords)
    np.add.at(averaged, permutations, images / len(rotations))
    first = permutations.min(axis=0)
    representatives, orbits = np.unique(first, return_inverse=True)
    return SymmetricCell(
        lattice=_symmetric_lattice(lattice, rotations),
        numbers=numbers,
        frac_coords=averaged,
        rotations=rotations,
        permutations=permutations,
        shifts=shifts,
        representatives=representatives,
        orbits=orbits,
    )


def without_symmetry(lattice: Floats, numbers: NDArray[np.int16], frac_coords: Floats) -> SymmetricCell:
    """The cell as it is, with the identity alone."""
    n = len(numbers)
    return SymmetricCell(
        lattice=lattice,
        numbers=numbers,
        frac_coords=frac_coords,
        rotations=np.eye(3, dtype=np.int64)[None],
        permutations=np.arange(n)[None],
        shifts=np.zeros((1, n, 3), dtype=np.int64),
        representatives=np.arange(n),
        orbits=np.arange(n),
    )


def _operations(
    lattice: Floats, numbers: NDArray[np.int16], frac_coords: Floats, tolerance: float
) -> tuple[Integers, Floats]:
    cell = moyopy.Cell(
        basis=np.asarray(lattice).tolist(), positions=frac_coords.tolist(), numbers=[int(z) for z in numbers]
    )
    try:
        found = moyopy.MoyoDataset(cell, symprec=tolerance).operations
    except ValueError:  # the search gave up; P1 is always right
        return np.eye(3, dtype=np.int64)[None], np.zeros((1, 3))
    return np.asarray(found.rotations, dtype=np.int64), np.asarray(found.translations, dtype=np.float64)


def _that_keep(fixed: Fixed, lattice: Floats, rotations: Integers) -> NDArray[np.bool_]:
    """(G,) which operations may be used; the identity alone where the others form no group."""
    if fixed == "nothing":
        return np.ones(len(rotations), dtype=bool)
    metric, size = lattice @ lattice.T, 3
    kept = np.ones(len(rotations), dtype=bool)
    if fixed == "plane":
        kept, size = (rotations[:, 2, :2] == 0).all(axis=1), 2
    changes = np.swapaxes(rotations, 1, 2) @ metric @ rotations - metric
    kept &= np.abs(changes[:, :size, :size]).max(axis=(1, 2)) <= _METRIC_TOLERANCE * np.abs(metric).max()
    turns = {rotation.tobytes() for rotation in rotations[kept]}
    closed = all((one @ other).tobytes() in turns for one in rotations[kept] for other in rotations[kept])
    return kept if closed else np.asarray((rotations == np.eye(3)).all(axis=(1, 2)))


def _map_atoms(
    lattice: Floats,
    numbers: NDArray[np.int16],
    frac_coords: Floats,
    rotations: Integers,
    translations: Floats,
    *,
    tolerance: float,
) -> tuple[Integers, Integers] | None:
    """Which atom every operation takes every atom to; None if it is not a permutation."""
    n = len(numbers)
    other = numbers[:, None] != numbers[None, :]
    permutations = np.empty((len(rotations), n), dtype=np.int64)
    shifts = np.empty((len(rotations), n, 3), dtype=np.int64)
    for g, (rotation, translation) in enumerate(zip(rotations, translations, strict=True)):
        images = frac_coords @ rotation.T + translation
        gaps = images[:, None] - frac_coords[None, :]
        gaps -= np.rint(gaps)
        squared = np.square(gaps @ lattice).sum(axis=2)
        squared[other] = np.inf
        target = squared.argmin(axis=1)
        if squared[np.arange(n), target].max() > tolerance**2 or len(np.unique(target)) != n:
            return None
        permutations[g] = target
        shifts[g] = np.rint(images - frac_coords[target])
    return permutations, shifts


def _symmetric_lattice(lattice: Floats, rotations: Integers) -> Floats:
    """The lattice of the group-averaged metric that is nearest to ``lattice`` (no rotation added)."""
    metric = np.mean(np.swapaxes(rotations, 1, 2) @ (lattice @ lattice.T) @ rotations, axis=0)
    inverse = np.linalg.inv(lattice)
    stretch = np.real(sqrtm(inverse @ metric @ inverse.T))
    return np.asarray(lattice @ stretch, dtype=np.float64)


def invariant_displacements(cell: SymmetricCell) -> Floats:
    """(D, N, 3) orthonormal Cartesian displacement patterns that keep the space group.

    Found orbit by orbit: the displacement of a representative must be invariant under its site
    symmetry, and the group carries it to the other atoms. Where no operation forbids it, the rigid
    translations are among them; they carry no force and are projected out.
    """
    n = len(cell.numbers)
    turns = cell.cartesian_rotations
    patterns = []
    for atom in cell.representatives:
        images = cell.permutations[:, atom]
        site = turns[images == atom].mean(axis=0)
        for direction in _range(site):
            pattern = np.zeros((n, 3))
            pattern[images] = direction @ turns
            patterns.append(pattern / np.linalg.norm(pattern))
    if not patterns:
        return np.empty((0, n, 3))
    flat = np.array(patterns).reshape(len(patterns), 3 * n)
    rigid = _range(turns.mean(axis=0))
    for direction in rigid:
        whole = np.tile(direction, n) / np.sqrt(n)
        flat = flat - np.outer(flat @ whole, whole)
    if len(rigid):
        _, singular, rows = np.linalg.svd(flat, full_matrices=False)
        flat = rows[singular > _RANK_TOLERANCE]
    return np.asarray(flat.reshape(-1, n, 3))


def invariant_strains(cell: SymmetricCell) -> Floats:
    """(S, 3, 3) orthonormal symmetric strains that keep the space group (1 cubic, 2 axial, 3, 4 or 6)."""
    root = np.sqrt(0.5)
    units = np.zeros((6, 3, 3))
    for k, (i, j) in enumerate(((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))):
        units[k, i, j] = units[k, j, i] = 1.0 if i == j else root
    return _invariant(units, cell)


def normal_strains(cell: SymmetricCell) -> Floats:
    """(S, 3, 3) orthonormal deformations of the third vector alone that keep the space group (1, 2 or 3).

    They map a row vector x to x + (x·n) v, n normal to the first two vectors, which therefore stay. The group must keep
    their plane, as :func:`symmetrize` sees to with ``fixed="plane"``.
    """
    normal = np.cross(cell.lattice[0], cell.lattice[1])
    normal /= np.linalg.norm(normal)
    first = cell.lattice[0] / np.linalg.norm(cell.lattice[0])
    return _invariant(np.stack([np.outer(normal, v) for v in (normal, first, np.cross(normal, first))]), cell)


def _invariant(units: Floats, cell: SymmetricCell) -> Floats:
    """(S, 3, 3) an orthonormal basis of what the group keeps in the span of ``units`` (K, 3, 3), orthonormal."""
    turns, k = cell.cartesian_rotations, len(units)
    averaged = np.mean(np.swapaxes(turns, 1, 2)[:, None] @ units[None] @ turns[:, None], axis=0)
    projector = averaged.reshape(k, 9) @ units.reshape(k, 9).T
    return np.asarray(np.einsum("sk,kij->sij", _range(projector), units))


def _range(projector: Floats) -> Floats:
    """Orthonormal rows that span what a symmetric projector keeps; the identity's own rows where it keeps all."""
    if np.allclose(projector, np.eye(len(projector)), atol=_RANK_TOLERANCE):
        return np.eye(len(projector))
    values, vectors = np.linalg.eigh((projector + projector.T) / 2.0)
    return np.asarray(vectors[:, values > 1.0 - 1e-3].T)
