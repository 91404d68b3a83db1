"""Where a model errs along the distance from the hull."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from aiida_mlhull.science.metrics import RollingError, StabilityHistogram
from aiida_mlhull.science.metrics.near_hull import NearHull
from aiida_mlhull.science.plots.campaign import draw_enrichment, draw_precision_recall
from aiida_mlhull.science.plots.saving import file_name
from aiida_mlhull.science.plots.style import ABOVE_HULL_AXIS, ACCENTS, DROPPED


def draw_rolling_error(errors: Mapping[str, RollingError], *, title: str = "") -> Figure:
    """Rolling mean absolute error; inside the shaded V it is larger than the distance from the hull.

    Args:
        errors: name of the model to its windows.
        title: above the picture.
    """
    figure = Figure(figsize=(7.2, 5.0), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    centers = np.concatenate([found.centers for found in errors.values()])
    left, right = float(centers.min()), float(centers.max())
    highest = 0.0
    for color, (name, found) in zip(ACCENTS * len(errors), errors.items(), strict=False):
        spread = np.nan_to_num(found.standard_error)
        axes.fill_between(found.centers, found.mae - spread, found.mae + spread, color=color, alpha=0.25, linewidth=0)
        axes.plot(found.centers, found.mae, color=color, label=name)
        highest = max(highest, float(np.nanmax(found.mae + spread, initial=0.0)))
    top = 1.15 * max(highest, 0.01)
    wing = np.asarray([left, 0.0, right])
    axes.fill_between(wing, np.abs(wing), top, color=DROPPED, alpha=0.18, linewidth=0, zorder=0)
    axes.text(0.0, 0.97 * top, "error > distance", ha="center", va="top", fontsize=9, color="#555555")
    axes.set_xlim(left, right)
    axes.set_ylim(0.0, top)
    axes.set_xlabel("True " + ABOVE_HULL_AXIS[0].lower() + ABOVE_HULL_AXIS[1:])
    axes.set_ylabel("Rolling mean absolute error (eV/atom)")
    axes.legend(frameon=False, loc="lower right")
    if title:
        axes.set_title(title)
    return figure


def draw_stability_histogram(found: StabilityHistogram, *, along: str = "Predicted", title: str = "") -> Figure:
    """True and false positives and negatives, stacked by distance from the hull.

    Args:
        found: the counts.
        along: what the bins are made of: ``"True"`` or ``"Predicted"`` distance.
        title: above the picture.
    """
    figure = Figure(figsize=(7.2, 4.6), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    parts = {
        "true positives": (found.true_positives, "#1b7837"),
        "false negatives": (found.false_negatives, "#e08214"),
        "false positives": (found.false_positives, "#b2182b"),
        "true negatives": (found.true_negatives, "#92c5de"),
    }
    below = np.zeros(len(found.edges) - 1)
    for name, (counts, color) in parts.items():
        axes.bar(
            found.edges[:-1], counts, np.diff(found.edges), bottom=below, align="edge", color=color,
            label=f"{name} ({int(counts.sum()):,})",
        )  # fmt: skip
        below = below + counts
    axes.axvline(0.0, color="black", linewidth=0.8, linestyle="--")
    axes.set_xlim(found.edges[0], found.edges[-1])
    axes.set_xlabel(f"{along} {ABOVE_HULL_AXIS[0].lower()}{ABOVE_HULL_AXIS[1:]}")
    axes.set_ylabel("Candidates")
    axes.legend(frameon=False)
    if title:
        axes.set_title(title)
    return figure


def near_hull_figures(compared: Mapping[str, NearHull]) -> dict[str, Figure]:
    """The V, and for each gate the histogram, the enrichment and precision over recall, by file name.

    Args:
        compared: name of the gate to its predictions beside the truth.
    """
    figures = {"rolling_error": draw_rolling_error({name: one.rolling for name, one in compared.items()})}
    for name, one in compared.items():
        gate = file_name(name)
        figures[f"stability_{gate}"] = draw_stability_histogram(one.histogram, title=name)
        figures[f"enrichment_{gate}"] = draw_enrichment(one.curves, title=name)
        figures[f"precision_recall_{gate}"] = draw_precision_recall(one.curves, title=name)
    return figures
