"""Whether polymorphs are predicted in the right order."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from aiida_mlhull.science.types.crystals import Floats

APART: Final = 0.010
"""eV/atom; energies nearer to one another than this are not an order worth predicting."""


def ranked(predicted: Floats, true: Floats, groups: Any) -> dict[str, float]:
    """How pairs of one group, more than :data:`APART` apart, are ordered.

    Args:
        predicted: (n,) eV/atom.
        true: (n,) eV/atom.
        groups: (n,) formulas, or numbers that stand for them.

    Returns:
        ``pairs``, the share in the right order, ties as halves, so that a model that reads compositions only gets 0.5;
        ``pairs_by_composition``, its mean over groups; ``ties``, their share. NaN without any pair.
    """
    right, ties, sizes = [], [], []
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        first, second = np.triu_indices(len(rows), k=1)
        wanted = true[rows][first] - true[rows][second]
        said = predicted[rows][first] - predicted[rows][second]
        apart = np.abs(wanted) > APART
        if apart.any():
            agreement = np.sign(wanted[apart]) * np.sign(said[apart])
            right.append(float((1 + agreement).sum() / 2))
            ties.append(int((agreement == 0).sum()))
            sizes.append(int(apart.sum()))
    if not sizes:
        return dict.fromkeys(("pairs", "pairs_by_composition", "ties"), float("nan"))
    return {
        "pairs": sum(right) / sum(sizes),
        "pairs_by_composition": float(np.mean(np.divide(right, sizes))),
        "ties": sum(ties) / sum(sizes),
    }
