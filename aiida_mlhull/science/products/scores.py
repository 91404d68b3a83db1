"""How near predicted compositions are to published ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from aiida_mlhull.science.products.base import PRESENT, Products
from aiida_mlhull.science.products.scales import places
from aiida_mlhull.science.types.crystals import Floats

NEAR: Final = (0.5, 1.0, 2.0, 5.0)
"""Element mover's distances within which a prediction is counted; CaTiO3 and SrTiO3 are 0.2 apart."""


def element_movers_distance(first: Floats, second: Floats) -> Floats:
    """(n,) least work to turn one composition into the other along the modified Pettifor scale.

    On a line the earth mover's distance is the area between the two cumulated distributions (C. J. Hargreaves et
    al., Chem. Mater. 32 (2020) 10610).

    Args:
        first: (n, Z) atomic fractions.
        second: (n, Z) atomic fractions.
    """
    order = np.argsort(places(), kind="stable")
    gaps = np.diff(places()[order])
    ahead = np.cumsum((np.asarray(first) - np.asarray(second))[:, order], axis=1)[:, :-1]
    return np.asarray((np.abs(ahead) * gaps).sum(axis=1))


def product_scores(products: Products, targets: Floats) -> dict[str, float]:
    """Subset accuracy and weighted F1 of the elements; L1, L2, element mover's distance and R² of the fractions.

    Args:
        products: n predictions.
        targets: (n, Z) published fractions.
    """
    found, true = products.fractions > PRESENT, targets > PRESENT
    hits, claims, there = (found & true).sum(axis=0), found.sum(axis=0), true.sum(axis=0)
    f1 = np.where(claims + there > 0, 2 * hits / np.maximum(claims + there, 1), 0.0)
    difference = products.fractions - targets
    seen = true.any(axis=0)
    spread = np.square(targets[:, seen] - targets[:, seen].mean(axis=0)).sum()
    return {
        "subset_accuracy": float((found == true).all(axis=1).mean()),
        "weighted_f1": float((f1 * there).sum() / max(int(there.sum()), 1)),
        "l1": float(np.abs(difference).sum(axis=1).mean()),
        "l2": float(np.sqrt(np.square(difference).sum(axis=1)).mean()),
        "elmd": float(element_movers_distance(products.fractions, targets).mean()),
        "r2": float(1 - np.square(difference[:, seen]).sum() / spread) if spread > 0 else float("nan"),
    }


def coverage(distances: Floats, limits: Sequence[float] = NEAR) -> dict[float, float]:
    """Share of the predictions that lie within so much element mover's distance of their targets."""
    return {limit: float((np.asarray(distances) <= limit).mean()) for limit in limits}


def confidence_error(errors: Floats, spreads: Floats) -> float:
    """How much the mean error of the most confident predictions lies above that of the best ones, over all shares of them.

    Predictions are kept in the order of their spread, 1 of n, 2 of n, and so on, and the mean error of those that are kept is
    compared with that of as many of lowest error: the area between the two curves. Zero where spreads sort as errors do;
    ties in spread are broken by their order.

    Args:
        errors: (n,) of the predictions.
        spreads: (n,) that stand for their uncertainty.
    """
    count = np.arange(1, len(errors) + 1)
    kept = np.cumsum(np.asarray(errors)[np.argsort(spreads, kind="stable")]) / count
    best = np.cumsum(np.sort(errors)) / count
    return float((kept - best).mean())


def spreads_of(members: Floats) -> Floats:
    """(n,) mean element mover's distance of the (m, n, Z) members of an ensemble from their mean."""
    mean = members.mean(axis=0)
    return np.asarray(np.mean([element_movers_distance(one, mean) for one in members], axis=0))
