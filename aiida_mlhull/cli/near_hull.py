"""What ``diagnose`` says of a campaign's models near the hull: rates of stable and unstable, and how certain the hull was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.science.hull import HullSpread
    from aiida_mlhull.science.metrics.near_hull import NearHull
    from aiida_mlhull.science.types.table import Strings

MOST: Final = 0.9
"""Recall for which the acceleration is given."""


def as_text(found: Mapping[str, NearHull]) -> str:
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


def spread_as_text(spreads: Mapping[str, tuple[Strings, HullSpread]]) -> str:
    """How certain the hull was to the models of each gate, at the compositions that they were asked about."""
    from aiida_mlhull.science.units import MEV_PER_EV

    rows = []
    for name, (formulas, spread) in spreads.items():
        mean, largest = (f"{MEV_PER_EV * value:.1f}" for value in (spread.std.mean(), spread.std[spread.widest]))
        rows.append((name, len(formulas), mean, largest, formulas[spread.widest], f"{spread.certainty.mean():.1%}"))
    headers = ("gate", "compositions", "mean σ, meV/atom", "largest", "at", "same phases")
    return "The hull as its models saw it, drawn many times\n" + text.table(headers, rows)
