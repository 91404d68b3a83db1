"""What a run's predictions are worth."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from aiida_mlhull.science.metrics import diagnose
from aiida_mlhull.science.metrics.stated import recognized, stated
from aiida_mlhull.science.types import Labels, Predictions
from aiida_mlhull.science.types.crystals import Floats

APART: Final = 0.010
"""eV/atom; energies nearer to one another than this are not an order worth predicting."""


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
    plain: dict[str, Any] = {
        "rows": len(errors),
        "mae": float(size.mean()),
        "rmse": float(np.sqrt(np.mean(np.square(size)))),
        "median": float(np.median(size)),
        "member_mae": alone,
        "pairs": ordered_pairs(predictions.mean, known.energies, predictions.formulas),
    }
    if not (errors.sigma > 0).all():
        return plain | dict.fromkeys(("coverage_95", "ranking", "log_ratio"))
    found_spreads = diagnose(errors.errors, errors.sigma, aleatoric=errors.aleatoric, epistemic=errors.epistemic)
    return plain | {
        "coverage_95": found_spreads.coverage[0.95],
        "ranking": found_spreads.ranking,
        "log_ratio": found_spreads.log_ratio,
    }


def ordered_pairs(predicted: Floats, true: Floats, formulas: Any) -> float | None:
    """Share of pairs of one formula, more than :data:`APART` apart, whose order is predicted right.

    Ties count as halves, so that a model that reads compositions only gets 0.5.

    Args:
        predicted: (n,) values.
        true: (n,) values.
        formulas: (n,) formulas.

    Returns:
        None without any pair.
    """
    right, total = 0.0, 0
    for formula in np.unique(formulas):
        rows = np.flatnonzero(formulas == formula)
        first, second = np.triu_indices(len(rows), k=1)
        wanted = true[rows][first] - true[rows][second]
        said = predicted[rows][first] - predicted[rows][second]
        apart = np.abs(wanted) > APART
        right += float((1 + np.sign(wanted[apart]) * np.sign(said[apart])).sum()) / 2
        total += int(apart.sum())
    return right / total if total else None
