"""Bonds and angles of a crystal, one of every kind that the space group tells apart.

A message-passing network gives symmetry-equivalent atoms, bonds and angles the same features, so it
only needs one of each kind together with how often it occurs. The energy that comes out is the whole
crystal's; its derivative with respect to a distance or an angle is the derivative with all equivalent
ones moving together, which is what a symmetric relaxation needs. On the prototype-like crystals of a
phase-diagram campaign this is a tenth of the bonds and angles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pymatgen.optimization.neighbors import find_points_in_spheres

from aiida_mlhull.science.relaxation.symmetry import SymmetricCell
from aiida_mlhull.science.types.crystals import Floats, Integers

_PERIODIC = np.ones(3, dtype=np.int64)
_SAME_POINT = 1e-8


@dataclass(frozen=True, eq=False)
class QuotientGraph:
    """One representative of every kind of atom (O), directed edge (E), bond (U) and angle (A).

    Attributes:
        numbers: (O,) atomic numbers.
        multiplicities: (O,) atoms of this kind in the cell.
        centers: (E,) kind of the atom that receives the message.
        neighbors: (E,) kind of the atom that sends it.
        bonds: (E,) kind of the bond between them.
        edge_counts: (E,) how many such edges one receiving atom has.
        bond_atoms: (U, 2) atoms of the representative bond, for the geometry.
        bond_images: (U, 3) whole cells added to the second of them.
        angle_centers: (A,) kind of the atom at the vertex.
        angle_bonds: (A, 2) kinds of the bond that receives the message and of the other leg.
        angle_weights: (A,) such messages that one receiving bond gets.
        angle_atoms: (A, 3) atoms at the vertex and at the ends of both legs, for the geometry.
        angle_images: (A, 2, 3) whole cells added to the ends.
    """

    numbers: Integers
    multiplicities: Integers
    centers: Integers
    neighbors: Integers
    bonds: Integers
    edge_counts: Floats
    bond_atoms: Integers
    bond_images: Integers
    angle_centers: Integers
    angle_bonds: Integers
    angle_weights: Floats
    angle_atoms: Integers
    angle_images: Integers


def quotient_graph(
    cell: SymmetricCell, lattice: Floats, positions: Floats, *, bond_cutoff: float, angle_cutoff: float
) -> QuotientGraph:
    """Collect the kinds of bonds shorter than ``bond_cutoff`` and of angles with legs under ``angle_cutoff`` (Å).

    Args:
        cell: the space group; its own coordinates are not read.
        lattice: (3, 3) Å, the cell as it is now.
        positions: (N, 3) Å, Cartesian, of the same atoms in the same cells that ``cell`` was made from.
        bond_cutoff: Å.
        angle_cutoff: Å.
    """
    edges = _Edges.around(cell, lattice, positions, cutoff=bond_cutoff)
    multiplicities = cell.multiplicities
    centers = cell.orbits[edges.atoms[:, 0]]
    neighbors = cell.orbits[edges.atoms[:, 1]]
    _, first, bonds = np.unique(edges.bond_codes, return_index=True, return_inverse=True)
    kinds, edge_first, edge_counts = np.unique(centers * len(first) + bonds, return_index=True, return_counts=True)
    n_bonds = np.bincount(bonds, weights=multiplicities[centers], minlength=len(first)) / 2.0
    short = np.flatnonzero(edges.lengths[first][bonds] < angle_cutoff)  # a kind is in or out as a whole
    legs, angle_counts = _angles(cell, edges, short)
    angle_centers = centers[legs[:, 0]]
    angle_bonds = bonds[legs]
    return QuotientGraph(
        numbers=cell.numbers[cell.representatives].astype(np.int64),
        multiplicities=multiplicities,
        centers=centers[edge_first],
        neighbors=neighbors[edge_first],
        bonds=kinds % max(len(first), 1),
        edge_counts=edge_counts.astype(np.float64),
        bond_atoms=edges.atoms[first],
        bond_images=edges.images[first],
        angle_centers=angle_centers,
        angle_bonds=angle_bonds,
        angle_weights=multiplicities[angle_centers] * angle_counts / n_bonds[angle_bonds[:, 0]],
        angle_atoms=np.column_stack(
            [edges.atoms[legs[:, 0], 0], edges.atoms[legs[:, 0], 1], edges.atoms[legs[:, 1], 1]]
        ),
        angle_images=edges.images[legs],
    )


@dataclass(frozen=True, eq=False)
class _Edges:
    """Directed edges that leave the representatives, sorted by their own code.

    Attributes:
        atoms: (m, 2).
        images: (m, 3) whole cells added to the second atom.
        lengths: (m,) Å.
        codes: (m,) one integer an edge, ascending.
        bond_codes: (m,) the smallest code among all images of the edge and of its reverse.
        base: (1,) the code's radix for one cell index.
    """

    atoms: Integers
    images: Integers
    lengths: Floats
    codes: Integers
    bond_codes: Integers
    radix: int

    @classmethod
    def around(cls, cell: SymmetricCell, lattice: Floats, positions: Floats, *, cutoff: float) -> _Edges:
        chosen = cell.representatives
        found: tuple[Any, ...] = find_points_in_spheres(
            np.ascontiguousarray(positions),
            np.ascontiguousarray(positions[chosen]),
            r=cutoff,
            pbc=_PERIODIC,
            lattice=np.ascontiguousarray(lattice),
            tol=_SAME_POINT,
        )
        atoms = np.column_stack([chosen[found[0]], found[1]]).astype(np.int64)
        images = np.rint(found[2]).astype(np.int64)
        lengths = np.asarray(found[3], dtype=np.float64)
        real = lengths > _SAME_POINT
        atoms, images, lengths = atoms[real], images[real], lengths[real]
        shifts = cell.shifts
        reach = int(np.abs(images).max(initial=0)) * int(np.abs(cell.rotations).sum(axis=2).max()) + 2 * int(
            np.abs(shifts).max(initial=0)
        )
        radix = 2 * reach + 1
        codes = _encode(atoms[:, 0], atoms[:, 1], images, n=len(cell.numbers), radix=radix)
        order = np.argsort(codes, kind="stable")
        atoms, images, lengths, codes = atoms[order], images[order], lengths[order], codes[order]
        bond_codes = np.full(len(codes), np.iinfo(np.int64).max)
        for g in range(len(cell.rotations)):
            start, end = cell.permutations[g, atoms[:, 0]], cell.permutations[g, atoms[:, 1]]
            moved = images @ cell.rotations[g].T + shifts[g, atoms[:, 1]] - shifts[g, atoms[:, 0]]
            for code in (
                _encode(start, end, moved, n=len(cell.numbers), radix=radix),
                _encode(end, start, -moved, n=len(cell.numbers), radix=radix),
            ):
                np.minimum(bond_codes, code, out=bond_codes)
        return cls(atoms=atoms, images=images, lengths=lengths, codes=codes, bond_codes=bond_codes, radix=radix)


def _encode(start: Integers, end: Integers, images: Integers, *, n: int, radix: int) -> Integers:
    """One integer for (atom, atom, cell); the cell's indices lie within +-(radix - 1) / 2."""
    code = start * n + end
    for axis in range(3):
        code = code * radix + images[:, axis] + radix // 2
    return np.asarray(code, dtype=np.int64)


def _angles(cell: SymmetricCell, edges: _Edges, short: Integers) -> tuple[Integers, Floats]:
    """(A, 2) edge numbers of the legs of every kind of angle at the representatives, and their counts there."""
    legs, counts = [np.empty((0, 2), dtype=np.int64)], [np.empty(0)]
    for atom in cell.representatives:
        own = short[edges.atoms[short, 0] == atom]
        k = len(own)
        if k < 2:  # noqa: PLR2004  (an angle has two legs)
            continue
        pairs = np.full((k, k), np.iinfo(np.int64).max)
        for g in np.flatnonzero(cell.permutations[:, atom] == atom):
            ends = edges.atoms[own, 1]
            moved = edges.images[own] @ cell.rotations[g].T + cell.shifts[g, ends] - cell.shifts[g, atom]
            code = _encode(
                edges.atoms[own, 0], cell.permutations[g, ends], moved, n=len(cell.numbers), radix=edges.radix
            )
            image = np.searchsorted(edges.codes[own], code)
            np.minimum(pairs, image[:, None] * k + image[None, :], out=pairs)
        np.fill_diagonal(pairs, -1)
        kinds, count = np.unique(pairs[pairs >= 0], return_counts=True)
        legs.append(own[np.column_stack([kinds // k, kinds % k])])
        counts.append(count.astype(np.float64))
    return np.concatenate(legs), np.concatenate(counts)
