"""What was found, counted in more than one way: rows, distinct minima, kinds of compounds.

Counted in rows, ten candidates that relax to one crystal near the hull are ten to be found; for a phase diagram they
are one. And a mean over binaries and ternaries hides that models may be good at the one and bad at the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from aiida_mlhull.science.metrics.campaign import true_marks
from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.table import Booleans, Strings
from aiida_mlhull.science.units import MEV_PER_EV

Counts = dict[str, dict[str, tuple[int, int]]]


def counted(
    truth: References,
    known: References,
    *,
    found: Sequence[str] | Strings,
    kinds: Mapping[str, Booleans] | None = None,
) -> Counts:
    """What was found of what lies on the hull and within 25 meV/atom of it.

    Args:
        truth: all candidates with their true energies.
        known: the references; none of the candidates.
        found: ids of the candidates whose result is known.
        kinds: further kinds of rows to count apart, by name, (n,) each.

    Returns:
        By kind (``rows``, ``distinct minima``, ``2 elements``, ..., and those given): ``on_hull`` and ``within_25mev``, each
        found and to be found. Rows of one formula and one energy to 1 meV/atom are one minimum; it is found when
        one of them is.
    """
    on_hull, near = true_marks(truth, known)
    have = np.isin(truth.ids, np.asarray(found, dtype=np.str_))
    compositions, which = distinct(truth.formulas.tolist())
    arity = np.array([len(composition.numbers) for composition in compositions])[which]
    keys = [f"{w} {round(e * MEV_PER_EV)}" for w, e in zip(which.tolist(), truth.energies.tolist(), strict=True)]
    _, minimum = np.unique(keys, return_inverse=True)
    groups = {"rows": np.ones(len(truth), dtype=bool)}
    groups |= {f"{n} elements": arity == n for n in np.unique(arity).tolist()}
    groups |= dict(kinds or {})

    def of(wanted: Booleans) -> tuple[int, int]:
        return int((wanted & have).sum()), int(wanted.sum())

    def minima(wanted: Booleans) -> tuple[int, int]:
        there = np.unique(minimum[wanted])
        return int(np.isin(there, minimum[have]).sum()), len(there)

    counts = {name: {"on_hull": of(on_hull & rows), "within_25mev": of(near & rows)} for name, rows in groups.items()}
    counts["distinct minima"] = {"on_hull": minima(on_hull), "within_25mev": minima(near)}
    return counts
