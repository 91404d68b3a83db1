"""What makes a crystal the same crystal: a shape that no choice of cell, origin or order of sites changes.

The shape is a handful of lattice sums, for every pair of elements

    S_w = 1/N  sum over ordered pairs of atoms  exp(-w d² / a²),     a³ = volume per atom,

for a few widths w. They vary smoothly with the coordinates (no shells to be cut, no nearest neighbors to
change places) and don't depend on the scale, which for an unrelaxed candidate is a guess anyway.

A crystal's id is the UUID5 of its canonical form: the protostructure label and, where the label leaves
anything but the scale open, the sums rounded to 0.001. Two descriptions of one crystal get one id, except
when rounding noise meets the border of a bin (some 1 in 10⁵ for coordinates good to 1e-8). The converse,
different crystals under one id, takes coordinates that agree to some 0.001 Å, or a homometric pair: no sum over
pairs tells crystals apart that have all distances in common, as Pauling and Shappell (Z. Kristallogr. 75 (1930)
128) met them in bixbyite. Mirror images whose space groups differ (eleven pairs) have an id each. What the id doesn't catch, merging after a stage does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np
from numpy.typing import NDArray
from pymatgen.optimization.neighbors import find_points_in_spheres

from aiida_mlhull.science.representations.wyckoff import free_parameters
from aiida_mlhull.science.types.crystals import Crystals, Floats, Integers

NAMESPACE: Final[UUID] = uuid5(NAMESPACE_URL, "aiida-mlhull/crystal")
WIDTHS: Final = (1.0, 2.0, 4.0)
DECIMALS: Final = 3

_REACH: Final = 3.8  # times a; exp(-3.8²) is below the rounding of any sum
_PERIODIC: Final = np.ones(3, dtype=np.int64)
_SELF: Final = 1e-8


def shapes(crystals: Crystals) -> list[Floats]:
    """For every crystal its lattice sums, one row a pair of elements (by atomic number) and one column a width."""
    return [_shape(*crystals.arrays(index)) for index in range(len(crystals))]


def _shape(lattice: Floats, numbers: NDArray[np.int16], frac_coords: Floats) -> Floats:
    elements, kinds = np.unique(numbers, return_inverse=True)
    scale = np.cbrt(len(numbers) / abs(np.linalg.det(lattice)))
    cell = np.ascontiguousarray(lattice * scale)
    positions = np.ascontiguousarray(frac_coords @ cell)
    centers, points, _, distances = find_points_in_spheres(
        positions, positions, r=_REACH, pbc=_PERIODIC, lattice=cell, tol=_SELF
    )
    apart = distances > _SELF
    squares = np.square(distances[apart])
    pairs = np.sort(np.column_stack([kinds[centers[apart]], kinds[points[apart]]]), axis=1)
    which = pairs[:, 0] * len(elements) + pairs[:, 1]
    size = len(elements) ** 2
    sums = [np.bincount(which, weights=np.exp(-width * squares), minlength=size) for width in WIDTHS]
    upper = np.flatnonzero(np.triu(np.ones((len(elements), len(elements)))))
    return np.asarray(np.column_stack(sums)[upper] / len(numbers))


def crystal_ids(crystals: Crystals, labels: Sequence[str] | NDArray[np.str_]) -> NDArray[np.str_]:
    """(n,) UUID5 of every crystal's canonical form.

    Args:
        crystals: n cells.
        labels: (n,) their protostructure labels; where one is empty, the formula stands in.
    """
    open_parameters: Integers = free_parameters(labels)
    formulas = crystals.reduced_formulas()
    ids = []
    for index, label in enumerate(labels):
        form = str(label) or formulas[index]
        if open_parameters[index] != 0:
            rounded = np.rint(_shape(*crystals.arrays(index)) * 10**DECIMALS).astype(np.int64)
            form = f"{form}|{' '.join(str(value) for value in rounded.ravel().tolist())}"
        ids.append(str(uuid5(NAMESPACE, form)))
    return np.asarray(ids, dtype=np.str_) if ids else np.empty(0, dtype=np.str_)


def label_ids(labels: Sequence[str] | NDArray[np.str_]) -> NDArray[np.str_]:
    """(n,) UUID5 of candidates that are a label and no cell yet."""
    ids = [str(uuid5(NAMESPACE, str(label))) for label in labels]
    return np.asarray(ids, dtype=np.str_) if ids else np.empty(0, dtype=np.str_)
