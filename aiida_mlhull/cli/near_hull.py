"""What ``diagnose`` says of a campaign's models near the hull: rates, and pictures of errors and of the order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.cli import text

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.science.metrics.near_hull import NearHull
    from aiida_mlhull.science.types import Labels, Predictions

MOST: Final = 0.9
"""Recall for which the acceleration is given."""


def measured(node: orm.ProcessNode, asked: Mapping[str, Predictions], truth: Labels) -> dict[str, NearHull]:
    """Predictions by name of the gate, compared with the hull of the campaign's references and ``truth``."""
    from aiida_mlhull.science.metrics.near_hull import near_hull

    references = node.inputs.references.to_science()
    return {name: near_hull(predictions, truth, references) for name, predictions in asked.items()}


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
        line("error > distance up to, eV/atom", _reach),
    ]
    return "Stable or not, by the hull of everything known\n" + text.table(("", *found), rows)


def _reach(found: NearHull) -> float:
    """The largest distance (eV/atom) at which the mean error still exceeds it; NaN if it never does."""
    inside = found.rolling.centers[found.rolling.inside_the_v]
    return float(abs(inside).max()) if len(inside) else float("nan")


def as_json(found: Mapping[str, NearHull]) -> dict[str, Any]:
    """Rates by gate."""
    names = ("prevalence", "precision", "recall", "false_positive_rate", "accuracy", "f1", "acceleration")
    return {
        name: {rate: getattr(one.confusion, rate) for rate in names} | {"rows": one.confusion.total}
        for name, one in found.items()
    }


def spread_as_text(node: orm.ProcessNode, asked: Mapping[str, Predictions]) -> str:
    """How certain the hull was to the models of each gate, at the compositions that they were asked about."""
    import numpy as np

    from aiida_mlhull.science.hull import hull_spread
    from aiida_mlhull.science.units import MEV_PER_EV

    references, rows = node.inputs.references.to_science(), []
    for name, predictions in asked.items():
        formulas = np.unique(predictions.formulas)
        spread = hull_spread(formulas, predictions, references, seed=node.inputs.settings["seed"])
        widest = int(spread.std.argmax())
        mean, largest = (f"{MEV_PER_EV * value:.1f}" for value in (spread.std.mean(), spread.std[widest]))
        rows.append((name, len(formulas), mean, largest, formulas[widest], f"{spread.certainty.mean():.1%}"))
    headers = ("gate", "compositions", "mean σ, meV/atom", "largest", "at", "same phases")
    return "The hull as its models saw it, drawn many times\n" + text.table(headers, rows)


def draw(found: Mapping[str, NearHull], folder: Path) -> list[Path]:
    """The V, and for each gate the histogram, the enrichment and precision over recall."""
    from aiida_mlhull.science import plots

    folder.mkdir(parents=True, exist_ok=True)
    figures = {"rolling_error": plots.draw_rolling_error({name: one.rolling for name, one in found.items()})}
    for name, one in found.items():
        gate = "_".join("".join(letter if letter.isalnum() else " " for letter in name).split())
        figures[f"stability_{gate}"] = plots.draw_stability_histogram(one.histogram, title=name)
        figures[f"enrichment_{gate}"] = plots.draw_enrichment(one.curves, title=name)
        figures[f"precision_recall_{gate}"] = plots.draw_precision_recall(one.curves, title=name)
    written = []
    for name, figure in figures.items():
        written.append(folder / f"{name}.png")
        figure.savefig(written[-1])
    return written
