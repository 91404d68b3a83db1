"""What the last models that were asked about each candidate have said, and how likely it is stable by that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.hull import hull_energies, stable_chances, with_results
from aiida_mlhull.science.report.material import Material
from aiida_mlhull.science.triage.committee import as_one_member
from aiida_mlhull.science.types import Predictions, concatenate
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Strings

HOPELESS: Final = 6.0
"""σ above the hull of what is known; the chance of lying on any sampled hull is then below 1e-9."""

MOST_DRAWS: Final = 2e7
"""Samples times rows that are held at once."""
FEWEST_SAMPLES: Final = 100
SAMPLES: Final = 1000


@dataclass(frozen=True, eq=False)
class Chances:
    """n candidates, in their order.

    Attributes:
        mean: (n,) eV/atom, predicted energy after the last stage; NaN where no model was asked.
        sigma: (n,) eV/atom; NaN likewise.
        asked_in: (n,) title of the round that asked last; empty likewise.
        p_stable: (n,) chance to lie on the hull, of candidates without a result; NaN for the others.
        samples: hulls that were drawn for it.
    """

    mean: Floats
    sigma: Floats
    asked_in: Strings
    p_stable: Floats
    samples: int


def last_chances(material: Material) -> Chances:
    """The last word about every candidate.

    P(stable) is computed on the hull of the references and all results, with all candidates that have no result
    competing (see :func:`~aiida_mlhull.science.hull.stable_chances`). Those more than :data:`HOPELESS` σ above
    it are left out of the drawing: sampled hulls are never higher than it.

    Args:
        material: of the report.
    """
    candidates = material.candidates
    n = len(candidates)
    mean, sigma, p_stable = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    asked_in = np.full(n, "", dtype=object)
    for one in material.rounds:
        rows = candidates.positions(one.predictions.ids)
        mean[rows], sigma[rows], asked_in[rows] = one.predictions.mean, one.predictions.sigma, one.title
    open_to_doubt = _without_result(material)
    samples = 0
    if open_to_doubt is not None:
        rows = candidates.positions(open_to_doubt.ids)
        p_stable[rows], samples = _p_stable(material, open_to_doubt)
    return Chances(mean, sigma, asked_in.astype(np.str_), p_stable, samples)


def _without_result(material: Material) -> Predictions | None:
    """The last predictions of the candidates that the last stage has no row of; None if there are none.

    Rounds differ in their number of members, so they are drawn as one member of the same mean and spread where
    they do.
    """
    results = material.results
    seen: set[str] = set() if results is None else set(results.ids.tolist())
    tables: list[Predictions] = []
    for one in reversed(material.rounds):
        fresh = np.asarray([name not in seen for name in one.predictions.ids.tolist()], dtype=bool)
        table = one.predictions.take(fresh)
        seen.update(table.ids.tolist())
        if len(table):
            tables.append(table)
    if not tables:
        return None
    if len({table.members.shape[1] for table in tables}) > 1:
        tables = [as_one_member(table) for table in tables]
    return concatenate(tables)


def _p_stable(material: Material, predictions: Predictions) -> tuple[Floats, int]:
    results = material.results
    known = material.references if results is None else with_results(material.references, results)
    height = predictions.mean - hull_energies(predictions.formulas, known)
    hopeful = height <= HOPELESS * predictions.sigma
    chances = np.zeros(len(predictions))
    if not hopeful.any():
        return chances, SAMPLES
    samples = int(max(FEWEST_SAMPLES, min(SAMPLES, MOST_DRAWS // int(hopeful.sum()))))
    found = stable_chances(predictions.take(hopeful), known, samples=samples, seed=material.settings.seed)
    chances[hopeful] = found.p_stable
    return chances, samples
