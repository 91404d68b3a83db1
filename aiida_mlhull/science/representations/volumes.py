"""How large a crystal will be once it is relaxed, before it is.

Hypothetical crystals keep the volume of the prototype they were made from, often far off. Scaling them
isotropically to a guess of the relaxed volume is the cheapest relaxation there is. The guess is a sum
over atoms (an effective volume for every element), fitted on the relaxed cells known so far; before
there are any, pymatgen's data-mined lattice scaling (Chu et al., Comput. Mater. Sci. 146 (2018) 184).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.types.crystals import HEAVIEST, Crystals, Floats

PRIOR_WEIGHT: Final = 0.2
"""How many perfectly fitting elemental crystals an element's tabulated volume counts for."""

SMALLEST: Final = 3.0
"""Å³, a bound that keeps an element with few, odd labels from shrinking to nothing."""


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
    """(n,) Å³/atom by pymatgen's ``DLSVolumePredictor``, for when no crystal has been relaxed yet.

    Cells are first scaled to their tabulated volumes, so that the predictor's bounds (half to one and a
    half times the given volume) bound the result and not the accident of the parent's size. Where it
    finds no bond or knows none of the elements, the tabulated volume stands.
    """
    from pymatgen.analysis.structure_prediction.volume_predictor import (  # noqa: PLC0415  (slow import)
        DLSVolumePredictor,
    )

    first_guess = tabulated_volumes().per_atom(crystals)
    scaled = crystals.with_volumes_per_atom(first_guess)
    predictor = DLSVolumePredictor()  # type: ignore[no-untyped-call]
    volumes = first_guess.copy()
    for index in range(len(scaled)):
        structure = scaled.structure(index)
        try:
            predicted = float(predictor.predict(structure)) / len(structure)
        except ValueError:  # no bond within reach, or no radius for any element
            continue
        if np.isfinite(predicted) and predicted > 0:
            volumes[index] = predicted
    return volumes
