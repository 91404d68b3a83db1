"""What calculations have found compared with what was known before: batch by batch, and what it is made of."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from aiida_mlhull.science.metrics import batch_scores, batches_of
from aiida_mlhull.science.metrics.batches import marks
from aiida_mlhull.science.prospecting.statistics import element_shares, in_known_systems, space_group_shares
from aiida_mlhull.science.report.material import Material
from aiida_mlhull.science.types import Labels
from aiida_mlhull.science.types.table import Strings


def found(material: Material) -> dict[str, Any]:
    """Batches of the last stage and what they found below the hull of the references, as JSON.

    Returns:
        ``batches`` (see :class:`~aiida_mlhull.science.metrics.batches.BatchScore`); ``rows`` below that hull, by whether
        their chemical system had a known compound (``in_known_systems``, ``in_new_systems``); ``elements`` and
        ``space_groups``: their share among these rows, and among all that were calculated. Empty before the first
        result.
    """
    results = material.results
    if results is None or not results.succeeded.any():
        return {}
    last = material.stages[-1].name
    decided = [one.decisions for one in material.rounds if one.decisions.stage == last]
    batches = batches_of(decided, material.started, results)
    below, _ = marks(results, material.references)
    labels, there = _labels(material, results), int(below.sum())
    in_known = int(in_known_systems(results.formulas[below], material.references.formulas).sum())
    return {
        "batches": [asdict(one) for one in batch_scores(batches, results, material.references)],
        "rows": there,
        "in_known_systems": in_known,
        "in_new_systems": there - in_known,
        "elements": element_shares(results.formulas, below),
        "space_groups": space_group_shares(labels, below),
    }


def _labels(material: Material, results: Labels) -> Strings:
    """(n,) protostructures of the relaxed cells where the engine has looked, else those before."""
    before = material.candidates.protostructures[material.candidates.positions(results.ids)]
    after = results.protostructures
    return before if after is None else np.where(after == "", before, after)
