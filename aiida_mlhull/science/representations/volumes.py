"""How large a crystal will be once it is relaxed, before it is.

Hypothetical crystals keep the volume of the prototype they were made from, often far off. Scaling them
isotropically to a guess of the relaxed volume is the cheapest relaxation there is. The guess is a sum
over atoms (an effective volume for every element), fitted on the relaxed cells known so far; before
there are any, pymatgen's data-mined lattice scaling (Chu et al., Comput. Mater. Sci. 146 (2018) 184).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pymatgen.optimization.neighbors import find_points_in_spheres

from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.types.crystals import HEAVIEST, Crystals, Floats

PRIOR_WEIGHT: Final = 0.2
"""How many perfectly fitting elemental crystals an element's tabulated volume counts for."""

SMALLEST: Final = 3.0
"""Å³, a bound that keeps an element with few, odd labels from shrinking to nothing."""

DLS_BOUNDS: Final = (0.5, 1.5)
"""Smallest and largest change of the tabulated volume, pymatgen's own bounds."""

_PERIODIC: Final = np.ones(3, dtype=np.int64)
_SELF: Final = 1e-8


@dataclass(frozen=True, eq=False)
class AtomicVolumes:
    """An effective volume for every element.

    Attributes:
        volumes: (119,), Å³ by atomic number; row 0 is unused.
    """

    volumes: Floats

    def per_atom(self, crystals: Crystals) -> Floats:
        """(n,) Å³/atom that the compositions of ``crystals`` suggest."""
        return np.asarray(np.add.reduceat(self.volumes[crystals.numbers], crystals.offsets[:-1]) / crystals.n_sites)

    def to_json(self) -> dict[str, float]:
        """Symbol to Å³."""
        symbols = element_table().symbols
        return {str(symbols[z]): float(self.volumes[z]) for z in range(1, HEAVIEST + 1)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> AtomicVolumes:
        """Back from :meth:`to_json`."""
        return cls(np.asarray([0.0, *(float(values[str(s)]) for s in element_table().symbols[1:])]))


def tabulated_volumes() -> AtomicVolumes:
    """Effective volumes in Materials Project compounds; nothing is fitted."""
    return AtomicVolumes(element_table().atomic_volume)


def fit_atomic_volumes(relaxed: Crystals, *, prior_weight: float = PRIOR_WEIGHT) -> AtomicVolumes:
    """Fit atomic volumes to relaxed cells, by linear least squares of the relative error.

    The tabulated volumes times one common factor, fitted too, are the prior: elements that no label
    holds keep their size relative to the others.

    Args:
        relaxed: n cells, at least one.
        prior_weight: ridge of every element's relative deviation from the prior.
    """
    table = element_table().atomic_volume[1:]
    owner = np.repeat(np.arange(len(relaxed)), relaxed.n_sites)
    fractions = np.zeros((len(relaxed), HEAVIEST))
    np.add.at(fractions, (owner, relaxed.numbers - 1), 1.0 / relaxed.n_sites[owner])
    # Unknowns: the common factor s and the relative deviations r; volume of element z = table_z (s + r_z).
    shares = fractions * (table / relaxed.volumes_per_atom[:, None])
    design = np.hstack([shares.sum(axis=1, keepdims=True), shares])
    normal = design.T @ design
    normal[np.arange(1, HEAVIEST + 1), np.arange(1, HEAVIEST + 1)] += prior_weight
    solution = np.linalg.solve(normal, design.sum(axis=0))
    return AtomicVolumes(np.concatenate([[0.0], np.maximum(table * (solution[0] + solution[1:]), SMALLEST)]))


def dls_volumes(crystals: Crystals) -> Floats:
    """(n,) Å³/atom by data-mined lattice scaling, for when no crystal has been relaxed yet.

    The tightest bond decides: the cell is scaled until no two atoms are closer than the bond length that
    is expected of them, a sum of radii which depend on how ionic the crystal is. The same numbers as
    pymatgen's ``DLSVolumePredictor`` with its parameters (but for argon), found some twenty times faster.

    Cells are first scaled to their tabulated volumes, so that the predictor's bounds (half to one and a
    half times the given volume) bound the result and not the accident of the parent's size. Where no
    radius of an element is known (noble gases, most that decay), the tabulated volume stands.
    """
    first_guess = tabulated_volumes().per_atom(crystals)
    scaled = crystals.with_volumes_per_atom(first_guess)
    ratios = np.asarray([tightest_bond(*scaled.arrays(index)) for index in range(len(scaled))])
    factors = np.where(np.isfinite(ratios), np.clip(np.fmax(ratios, _SELF) ** -3.0, *DLS_BOUNDS), 1.0)
    return np.asarray(first_guess * factors)


def tightest_bond(lattice: Floats, numbers: NDArray[np.int16], frac_coords: Floats) -> float:
    """Shortest distance of two atoms as a share of what is expected of them; infinite if nothing is."""
    table = _bond_parameters()
    spread = float(np.std(element_table().electronegativity[numbers]))
    there = table.atomic[numbers] > 0
    kinds, frac_coords = numbers[there], frac_coords[there]
    if not len(kinds):
        return np.inf
    radii = table.offset[kinds] + table.slope[kinds] * spread
    widest = float(max(np.fmax(radii, table.atomic[kinds])))
    sites = np.ascontiguousarray((frac_coords - np.floor(frac_coords)) @ lattice)
    reach = 1.2 * np.cbrt(abs(np.linalg.det(lattice)) / len(numbers))
    while True:
        centers, points, _, distances = find_points_in_spheres(
            sites, sites, r=reach, pbc=_PERIODIC, lattice=np.ascontiguousarray(lattice), tol=_SELF
        )
        bonds = (centers != points) | (distances > _SELF)
        one, other = centers[bonds], points[bonds]
        expected = radii[one] + radii[other]
        expected = np.where(np.isnan(expected), table.atomic[kinds[one]] + table.atomic[kinds[other]], expected)
        tightest = float(np.min(distances[bonds] / expected, initial=np.inf))
        if tightest <= reach / (2.0 * widest):  # no pair beyond the reach can be tighter
            return tightest
        reach *= 1.3


@dataclass(frozen=True, eq=False)
class _BondParameters:
    """Radii by atomic number in Å.

    Attributes:
        offset: (119,), data-mined radius in a crystal of equal electronegativities; NaN where unknown.
        slope: (119,), its change with the standard deviation of the electronegativities; NaN where unknown.
        atomic: (119,), Slater's radius; 0 where unknown.
    """

    offset: Floats
    slope: Floats
    atomic: Floats


@cache
def _bond_parameters() -> _BondParameters:
    """The parameters that pymatgen ships; argon's, a radius of -1.7e11 Å, count as unknown."""
    from pymatgen.analysis.structure_prediction import volume_predictor  # noqa: PLC0415  (slow import)
    from pymatgen.core import Element  # noqa: PLC0415

    mined: dict[str, dict[str, float]] = import_module(volume_predictor.DLSVolumePredictor.__module__).bond_params
    symbols = [str(symbol) for symbol in element_table().symbols]
    atomic = [float(Element(symbol).atomic_radius or 0.0) if symbol else 0.0 for symbol in symbols]
    offset, slope = (
        np.asarray([float(mined[symbol][name]) if symbol in mined else np.nan for symbol in symbols])
        for name in ("r", "k")
    )
    absurd = offset <= 0
    return _BondParameters(
        np.where(absurd, np.nan, offset), np.where(absurd, np.nan, slope), np.where(absurd, 0.0, atomic)
    )
