"""How near predicted compositions are to published ones."""

from __future__ import annotations

import numpy as np

from aiida_mlhull.science.products.base import PRESENT, Products
from aiida_mlhull.science.products.scales import places
from aiida_mlhull.science.types.crystals import Floats


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
