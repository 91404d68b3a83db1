"""How good the models were, round by round: predictions beside what has become known since."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.campaign.settings import PROMISES_RECALL
from aiida_mlhull.science.hull import stability
from aiida_mlhull.science.metrics import (
    Confusion,
    confusion,
    diagnose,
    discovery_curves,
    errors_by_element,
    on_fixed_hull,
    rolling_error,
)
from aiida_mlhull.science.metrics.classification import ratio
from aiida_mlhull.science.metrics.uncertainty import calibration_curve
from aiida_mlhull.science.report.material import Material, RoundMaterial
from aiida_mlhull.science.types import Labels
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason

MOST_POINTS: Final = 3000
"""Of a parity plot; drawn at random from more."""
CURVE: Final = 120
"""Points of a curve that has a step per row."""
WITHIN: Final = (0.0, 0.025, 0.050)
"""eV/atom above the hull: notions of found."""


@dataclass(frozen=True, eq=False)
class _Truth:
    """Energies that predictions are compared with.

    Attributes:
        labels: rows with an energy.
        signed: (n,) eV/atom from the hull of everything but the row itself.
    """

    labels: Labels
    signed: Floats


def quality(material: Material) -> dict[str, Any]:
    """Everything that is said about the models, as JSON.

    Returns:
        ``against`` (``record`` or ``results``), ``rounds`` (see :func:`_round`), ``discovery`` (by distance from the
        hull in eV/atom), and ``rules`` (by round: what every keep-rule would have done). ``rounds`` is empty as long
        as nothing can be compared.
    """
    truth = _truth(material)
    rounds = []
    if truth is not None:
        for one in material.rounds:
            asked = one.predictions.take(truth.labels.has(one.predictions.ids))
            if len(asked):
                rounds.append(_round(one, truth, material))
    return {
        "against": "results" if material.record is None else "record",
        "rounds": rounds,
        "discovery": {} if truth is None else _discovery(material, truth),
        "rules": {title: as_json(asdict(compared)) for title, compared in material.comparisons.items()},
    }


def _truth(material: Material) -> _Truth | None:
    labels = material.results if material.record is None else material.record
    if labels is None or not labels.succeeded.any():
        return None
    done = labels.take(labels.succeeded)
    return _Truth(done, stability(done.formulas, done.energies, material.references).signed)


def _rates(counts: Confusion) -> dict[str, float]:
    """Counts and rates by the name that matbench-discovery gives them."""
    return {
        **asdict(counts),
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "daf": counts.acceleration,
        "prevalence": counts.prevalence,
    }


def _round(one: RoundMaterial, truth: _Truth, material: Material) -> dict[str, Any]:
    """Parity, calibration, coverage, errors along the hull and by element, right and wrong, promised and kept.

    Right and wrong is counted as matbench-discovery does (``confusion``: at most on the hull), and as Goodall's thesis
    does (``thesis``: strictly below it, with σ on top of the prediction).
    """
    asked = one.predictions.take(truth.labels.has(one.predictions.ids))
    rows = truth.labels.positions(asked.ids)
    true, energies = truth.signed[rows], truth.labels.energies[rows]
    errors = asked.mean - energies
    predicted = on_fixed_hull(true, energies, asked.mean)
    strictly = confusion(true, predicted + asked.sigma, strict=True)
    rolling = rolling_error(true, errors)
    spread = bool((asked.sigma > 0).all())
    said: dict[str, Any] = as_json(
        {
            "title": one.title,
            "models": one.models,
            "compared": len(asked),
            "asked": len(one.predictions),
            "parity": _parity(asked.ids, true, predicted, asked.sigma, seed=material.settings.seed),
            "calibration": _calibration(errors, asked.sigma) if spread else None,
            "numbers": asdict(diagnose(errors, asked.sigma, aleatoric=asked.aleatoric, epistemic=asked.epistemic))
            if spread
            else None,
            "rolling": {
                "centers": rolling.centers,
                "mae": rolling.mae,
                "standard_error": rolling.standard_error,
                "counts": rolling.counts,
            },
            "confusion": _rates(confusion(true, predicted)),
            "thesis": _rates(strictly),
            "elements": [asdict(element) for element in errors_by_element(asked.formulas, errors)],
            "recall": _recall(one, truth, material),
        }
    )
    return said


def _parity(ids: Any, true: Floats, predicted: Floats, sigma: Floats, *, seed: int) -> dict[str, Any]:
    chosen = np.arange(len(ids))
    if len(ids) > MOST_POINTS:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(ids))[:MOST_POINTS])
    return {
        "ids": ids[chosen],
        "true": true[chosen].round(5),
        "predicted": predicted[chosen].round(5),
        "sigma": sigma[chosen].round(5),
    }


def _calibration(errors: Floats, sigma: Floats) -> dict[str, Any]:
    levels, shares = calibration_curve(errors, sigma)
    at = np.unique(np.linspace(0, len(levels) - 1, CURVE).round().astype(np.int64))
    return {"level": levels[at].round(4), "share": shares[at].round(4)}


def _recall(one: RoundMaterial, truth: _Truth, material: Material) -> dict[str, Any]:
    """The share of the stable rows that the gate's rule was to keep, and the share that it kept.

    The second is known where the truth about dropped rows is: in campaigns on a record.
    """
    gate = next(stage.gate for stage in material.settings.stages if stage.name == one.decisions.stage)
    assert gate is not None
    promised = None
    if gate.rule == PROMISES_RECALL:
        promised = 1.0 - float(gate.make_rule().settings.alpha)
    kept = None
    if material.record is not None:
        decided = one.decisions.take(truth.labels.has(one.decisions.ids))
        stable = truth.signed[truth.labels.positions(decided.ids)] <= 0.0
        let_in = decided.keep | (decided.reasons == Reason.BATCH_FULL)
        kept = ratio(int((stable & let_in).sum()), int(stable.sum()))
    return {"rule": gate.rule, "promised": promised, "kept": kept}


def _discovery(material: Material, truth: _Truth) -> dict[str, Any]:
    """What had been found after ever more relaxations."""
    order = np.asarray(material.order, dtype=np.str_)
    ids = order[truth.labels.has(order)]
    if not len(ids):
        return {}
    above = np.maximum(truth.signed, 0.0)
    curves = discovery_curves(truth.labels.positions(ids), above, thresholds=WITHIN)
    found = {}
    for limit, curve in curves.items():
        at = np.unique(np.linspace(1, len(ids), CURVE).round().astype(np.int64))
        found[str(limit)] = {
            "total": curve.total,
            "candidates": curve.candidates,
            "calculations": at,
            "hits": curve.hits[at],
            "recall": curve.recall[at],
            "enrichment": curve.enrichment[at],
        }
    return dict(as_json(found))


def as_json(value: Any) -> Any:
    """The same with arrays as lists, and what is not finite as null."""
    if isinstance(value, dict):
        return {str(key): as_json(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return as_json(value.tolist())
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    if isinstance(value, np.generic):
        return as_json(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
