"""Measures of models in words: one column for each ensemble, round or gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.hull import HullSpread
from aiida_mlhull.science.metrics.classes import ClassScores
from aiida_mlhull.science.metrics.learning import LabelSpending
from aiida_mlhull.science.metrics.near_hull import NearHull
from aiida_mlhull.science.metrics.uncertainty import QUANTILES, Calibration
from aiida_mlhull.science.tables import text
from aiida_mlhull.science.types import Predictions
from aiida_mlhull.science.types.table import Strings
from aiida_mlhull.science.units import MEV_PER_EV

MOST: Final = 0.9
"""Recall for which the acceleration is given."""

REMARK: Final = (
    "Every row was predicted by the members that didn't learn from it. They stopped learning by these same rows, so that "
    "others will be told apart a little worse."
)


def spreads_in_words(measures: Mapping[str, Calibration], *, unit: str) -> str:
    """The numbers for people, one column for each name."""

    def line(label: str, show: Callable[[Calibration], str]) -> tuple[str, ...]:
        return (label, *(show(one) for one in measures.values()))

    levels = next(iter(measures.values())).coverage
    rows = [
        line("rows", lambda one: f"{one.rows:,}"),
        line(f"MAE, {unit}", lambda one: f"{one.mae:.4f}"),
        line(f"RMSE, {unit}", lambda one: f"{one.rmse:.4f}"),
        *(
            line(f"{share:.0%} of errors below, {unit}", lambda one, share=share: f"{one.quantiles[share]:.4f}")  # type: ignore[misc]
            for share in QUANTILES
        ),
        line(f"root of mean σ², {unit}", lambda one: f"{one.sharpness:.4f}"),
        line(f"CRPS, {unit}", lambda one: f"{one.crps:.4f}"),
        line("z: mean", lambda one: f"{one.z_mean:.2f}"),
        line("z: width", lambda one: f"{one.z_std:.2f}"),
        *(line(f"within {level:.0%}", lambda one, level=level: f"{one.coverage[level]:.1%}") for level in levels),  # type: ignore[misc]
        line("miscalibration area", lambda one: f"{one.miscalibration_area:.3f}"),
        line("NLL", lambda one: f"{one.nll:.3f}"),
        line("ranking", lambda one: f"{one.ranking:.2f}"),
        line("log10 σ_a/σ_e", lambda one: "-" if one.log_ratio is None else f"{one.log_ratio:.2f}"),
    ]
    return text.table(("", *measures), rows)


def span_in_words(predictions: Predictions, *, unit: str) -> str:
    """How many rows were predicted, from where to where, and how sure."""
    mean, sigma = predictions.mean, predictions.sigma
    return (
        f"{len(mean):,} rows by {predictions.members.shape[1]} members of {predictions.model}; mean from {mean.min():.4g} "
        f"to {mean.max():.4g} {unit}".rstrip()
        + f", median σ {np.median(sigma):.3g} {unit}".rstrip()
    )


def near_hull_in_words(found: Mapping[str, NearHull]) -> str:
    """One column for each gate."""

    def line(label: str, show: Callable[[NearHull], float], digits: int = 3) -> tuple[str, ...]:
        return (label, *(text.share(show(one), digits=digits) for one in found.values()))

    rows = [
        ("rows with a result", *(f"{one.confusion.total:,}" for one in found.values())),
        line("on the hull (prevalence)", lambda one: one.confusion.prevalence),
        line("precision", lambda one: one.confusion.precision),
        line("recall", lambda one: one.confusion.recall),
        line("false positive rate", lambda one: one.confusion.false_positive_rate),
        line("accuracy", lambda one: one.confusion.accuracy),
        line("F1", lambda one: one.confusion.f1),
        line("acceleration (DAF)", lambda one: one.confusion.acceleration, 2),
        line("R²", lambda one: one.errors.r2),
        line(f"fewer relaxations to {MOST:.0%} recall, times", lambda one: one.curves[0.0].acceleration(MOST), 2),
        line("error > distance up to, eV/atom", lambda one: one.reach),
    ]
    return "Stable or not, by the hull of everything known\n" + text.table(("", *found), rows)


def hull_spreads_in_words(spreads: Mapping[str, tuple[Strings, HullSpread]]) -> str:
    """How certain the hull was to the models of each gate, at the compositions that they were asked about."""
    rows = []
    for name, (formulas, spread) in spreads.items():
        mean, largest = (f"{MEV_PER_EV * value:.1f}" for value in (spread.std.mean(), spread.std[spread.widest]))
        rows.append((name, len(formulas), mean, largest, formulas[spread.widest], f"{spread.certainty.mean():.1%}"))
    headers = ("gate", "compositions", "mean σ, meV/atom", "largest", "at", "same phases")
    return "The hull as its models saw it, drawn many times\n" + text.table(headers, rows)


def classes_in_words(scores: ClassScores, *, remark: str = REMARK) -> str:
    """Accuracies and areas, then rows by true and likeliest class, and a remark on where they come from."""
    found = scores.accuracies
    facts: list[tuple[str, Any]] = [
        ("rows", int(found.confusion.sum())),
        ("accuracy", f"{found.accuracy:.3f}"),
        ("balanced accuracy", f"{found.balanced:.3f}"),
        *((f"AUC of {name}", f"{curve.area:.3f}") for name, curve in scores.curves.items()),
    ]
    confusion = [
        (name, *counts, f"{share:.3f}")
        for name, counts, share in zip(scores.names, found.confusion.tolist(), found.by_class.tolist(), strict=True)
    ]
    table = text.table(("class", *(f"taken for {name}" for name in scores.names), "recognized"), confusion)
    return "\n\n".join(filter(None, (text.pairs(facts), table, remark)))


def curves_in_words(by_name: dict[str, dict[str, Any]], *, unit: str) -> str:
    """Learning curves by name, as :func:`~aiida_mlhull.science.metrics.learning.learning_facts` has them."""
    sizes = next(iter(by_name.values()))["sizes"]
    rows = [
        (f"{size:,}", *(f"{one['mae'][place]:.4g}" for one in by_name.values())) for place, size in enumerate(sizes)
    ]
    laws = [
        f"{name}: MAE = 10^{one['intercept']:.3f} n^{one['slope']:.3f}; "
        + (f"half the last one after {one['rows_for_half']:,.0f} rows" if one["rows_for_half"] else "labels don't help")
        for name, one in by_name.items()
        if one["slope"] is not None
    ]
    head = f"MAE{f', {unit}' if unit else ''}, of {next(iter(by_name.values()))['test_rows']:,} test rows"
    return "\n\n".join([f"{head}\n{text.table(('rows', *by_name), rows)}", *laws])


def spending_in_words(plan: LabelSpending) -> str:
    """How core-hours are shared out, and what the next one would bring."""
    gains = {"expensive": plan.gain_expensive, "cheap": plan.gain_cheap}
    return text.pairs(
        [
            ("expensive labels to add", f"{plan.expensive:,.0f}"),
            ("cheap labels to add", f"{plan.cheap:,.0f}"),
            ("error afterwards", f"{plan.error_ratio:.3f} of today's"),
            ("the next core-hour", f"into {plan.next_hour} labels"),
            *((f"  error falls by, {kind}", f"{gain:.3%}") for kind, gain in gains.items()),
        ]
    )
