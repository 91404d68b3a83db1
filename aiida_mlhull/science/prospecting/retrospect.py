"""Prospecting scored by what was found later: crystals of before a year are known, those of later years are the truth.

Two questions have answers. Which candidates were found later, and does the rule keep them more often than others? A
candidate that has not been found may be stable all the same, so that this precision is a lower bound. And what does the
ensemble say about everything that was found later? There every row has an energy.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.generators.parents import Parents
from aiida_mlhull.science.hull import distances
from aiida_mlhull.science.metrics import confusion, discovery_curve, errors, lead_changes, rolling_error
from aiida_mlhull.science.metrics.classification import ratio
from aiida_mlhull.science.prospecting.prospect import Prospect, as_candidates, ask
from aiida_mlhull.science.prospecting.statistics import element_shares, space_group_shares
from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.representations.wyckoff import of_either_hand
from aiida_mlhull.science.types import References, concatenate
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Booleans
from aiida_mlhull.science.units import ON_HULL_TOLERANCE

BATCHES: Final = 5
CENTERS: Final = (0.0, 0.05, 0.1, 0.15, 0.2)
"""eV/atom above the hull, at which the rolling error is told."""


@dataclass(frozen=True, eq=False)
class Retrospect:
    """Scores, as plain JSON.

    Attributes:
        rediscovery: of the candidates.
        later: of all that was found later.
        kept: what the rule keeps: elements, space groups, novelty.
    """

    rediscovery: dict[str, Any]
    later: dict[str, Any]
    kept: dict[str, Any]


def retrospect(
    found: Prospect, known: Parents, later: Parents, energies: Floats, references: References, *, k: float = 1.0
) -> Retrospect:
    """Score a prospect.

    Args:
        found: of :func:`~aiida_mlhull.science.prospecting.prospect.prospect` on what was known.
        known: what was known.
        later: what was found later.
        energies: (m,) eV/atom, of the later ones.
        references: what was known.
        k: σ are added k times before a row counts as said to be stable.
    """
    drawn = of_either_hand(found.candidates.protostructures)
    hits = np.isin(drawn, [label for label in of_either_hand(later.protostructures).tolist() if label])
    return Retrospect(
        rediscovery=_rediscovery(found, hits, known, later) | _energy_alone(found, hits, references),
        later=_later(found, later, energies, references, k=k),
        kept=_kept(found, hits),
    )


def _rediscovery(found: Prospect, hits: Booleans, known: Parents, later: Parents) -> dict[str, Any]:
    """Candidates that were found later, among all and among the kept."""
    keep = found.decisions.keep
    order = np.argsort(-found.decisions.scores, kind="stable")
    curve = discovery_curve(order, hits)
    old = set(distinct(known.formulas.tolist())[0])
    compositions, which = distinct(later.formulas.tolist())
    new = np.asarray([composition not in old for composition in compositions])[which] & (later.protostructures != "")
    precision, prevalence = ratio(int((hits & keep).sum()), int(keep.sum())), ratio(int(hits.sum()), len(hits))
    kept = order[keep[order]]
    parts = [part for part in np.array_split(kept, BATCHES) if len(part)]
    return {
        "candidates": len(hits),
        "kept": int(keep.sum()),
        "found_later": int(hits.sum()),
        "kept_and_found_later": int((hits & keep).sum()),
        "later_labels_of_new_compositions": int(np.unique(of_either_hand(later.protostructures[new])).size),
        "precision": precision,
        "prevalence": prevalence,
        "enrichment": ratio(precision, prevalence),
        "recall": ratio(int((hits & keep).sum()), int(hits.sum())),
        "precision_by_batch": [float(hits[part].mean()) for part in parts],
        "rows_by_batch": [len(part) for part in parts],
        "acceleration_at_half": curve.acceleration(0.5),
        "area": curve.area,
    }


def _energy_alone(found: Prospect, hits: Booleans, references: References) -> dict[str, Any]:
    """What the order of the rule is worth beside that of predicted distances from the hull, without σ."""
    by_rule = discovery_curve(np.argsort(-found.decisions.scores, kind="stable"), hits)
    heights = distances(found.candidates.formulas, found.predictions.mean, references).e_above_hull
    by_energy = discovery_curve(np.argsort(heights, kind="stable"), hits)
    return {"area_by_energy_alone": by_energy.area, "lead_changes": lead_changes(by_rule, by_energy)}


def _later(found: Prospect, later: Parents, energies: Floats, references: References, *, k: float) -> dict[str, Any]:
    """What the ensemble says of everything that was found later, measured from the hull of what was known."""
    symbols = {formula for formula in references.formulas.tolist() if len(distinct([formula])[0][0].numbers) == 1}
    ends = {distinct([formula])[0][0].numbers[0] for formula in symbols}
    compositions, which = distinct(later.formulas.tolist())
    reachable = np.asarray([set(one.numbers) <= ends for one in compositions])[which] & (later.protostructures != "")
    rows = later.take(reachable)
    truth = energies[reachable]
    said = ask(found.ensemble, as_candidates(rows, rows.ids), references)
    true = distances(rows.formulas, truth, references).e_above_hull
    predicted = distances(rows.formulas, said.mean, references).e_above_hull
    whole = concatenate(
        [references, References(ids=rows.ids, formulas=rows.formulas, energies=truth, scheme=references.scheme)]
    )
    rolling = rolling_error(true, said.mean - truth)
    at = {f"{center:.2f}": float(rolling.mae[np.argmin(np.abs(rolling.centers - center))]) for center in CENTERS}
    return {
        "rows": len(rows),
        "left_out": len(later) - len(rows),
        "on_the_hull_of_all": int((distances(rows.formulas, truth, whole).e_above_hull <= ON_HULL_TOLERANCE).sum()),
        "errors": asdict(errors(truth, said.mean)),
        "rolling_mae": at,
        "thesis": _sorted_out(true, predicted + k * said.sigma, strict=True),
        "matbench_discovery": _sorted_out(true, predicted, strict=False),
    }


def _sorted_out(true: Floats, predicted: Floats, *, strict: bool) -> dict[str, float]:
    counts = confusion(true, predicted, strict=strict)
    return {
        **asdict(counts),
        "prevalence": counts.prevalence,
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "enrichment": counts.acceleration,
    }


def _kept(found: Prospect, hits: Booleans) -> dict[str, Any]:
    """Elements and space groups of what the rule keeps, and of all candidates beside them."""
    keep = found.decisions.keep
    return {
        "not_found_so_far": int((keep & ~hits).sum()),
        "elements": element_shares(found.candidates.formulas, keep),
        "space_groups": space_group_shares(found.candidates.protostructures, keep),
        "systems": len({one.numbers for one in distinct(found.candidates.formulas[keep].tolist())[0]}),
    }
