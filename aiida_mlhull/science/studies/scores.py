"""What a run's predictions are worth."""

from __future__ import annotations

from typing import Any

import numpy as np

from aiida_mlhull.science.metrics import diagnose
from aiida_mlhull.science.metrics.polymorphs import ranked
from aiida_mlhull.science.metrics.stated import recognized, stated
from aiida_mlhull.science.types import Labels, Predictions


def scores(predictions: Predictions, truth: Labels, *, classes: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every quantity that a row may be about, as plain numbers; None where it isn't defined.

    Args:
        predictions: of the rows that were set aside.
        truth: of the same rows.
        classes: names of two classes; none for numbers.

    Raises:
        TableError: if no predicted row has a truth.
    """
    if classes:
        found = recognized(predictions, truth, classes).to_dict()
        area = next(iter(found["auc"].values()), None)
        return {key: found[key] for key in ("rows", "accuracy", "balanced_accuracy")} | {"auc": area}
    errors = stated(predictions, truth)
    known = truth.select(predictions.ids)
    alone = float(np.abs(predictions.members - known.energies[:, None]).mean())
    size = np.abs(errors.errors)
    in_order = ranked(predictions.mean, known.energies, predictions.formulas)["pairs"]
    plain: dict[str, Any] = {
        "rows": len(errors),
        "mae": float(size.mean()),
        "rmse": float(np.sqrt(np.mean(np.square(size)))),
        "median": float(np.median(size)),
        "member_mae": alone,
        "pairs": None if np.isnan(in_order) else in_order,
    }
    if not (errors.sigma > 0).all():
        return plain | dict.fromkeys(("coverage_95", "ranking", "log_ratio"))
    found_spreads = diagnose(errors.errors, errors.sigma, aleatoric=errors.aleatoric, epistemic=errors.epistemic)
    return plain | {
        "coverage_95": found_spreads.coverage[0.95],
        "ranking": found_spreads.ranking,
        "log_ratio": found_spreads.log_ratio,
    }
