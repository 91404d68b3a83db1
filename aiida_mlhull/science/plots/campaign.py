"""How a campaign went: the funnel, and what had been found after ever more relaxations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from aiida_mlhull.science.metrics import DiscoveryCurve, RecallCurve
from aiida_mlhull.science.plots.style import ACCENTS, DROPPED, KEPT, LINE, STABLE
from aiida_mlhull.science.units import MEV_PER_EV

BAR: Final = 0.62
LINEAR_BELOW: Final = 1.0
"""meV/atom; the axis of the hull's error is linear below this and logarithmic above."""


def draw_funnel(counts: Mapping[str, int], *, title: str = "") -> Figure:
    """Centered bars, one per step, from all candidates down to the phases on the hull.

    Args:
        counts: step to number of candidates left, in order.
        title: above the picture.
    """
    figure = Figure(figsize=(7.2, 0.55 * len(counts) + 1.1), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    whole = max([*counts.values(), 1])
    for level, (step, count) in enumerate(counts.items()):
        last = level == len(counts) - 1
        axes.barh(
            level, count, left=-count / 2, height=BAR, color=STABLE if last else KEPT, alpha=1.0 if last else 0.75
        )
        axes.text(0.52 * whole, level, f"{count:,}  ({count / whole:.1%})", va="center", fontsize=9)
        axes.text(-0.52 * whole, level, step, va="center", ha="right", fontsize=9)
    axes.set_xlim(-0.95 * whole, 0.85 * whole)
    axes.set_ylim(len(counts) - 0.5, -0.5)
    axes.set_axis_off()
    if title:
        axes.set_title(title)
    return figure


def draw_recall(curves: Mapping[str, RecallCurve], *, title: str = "") -> Figure:
    """Recall of the truly stable candidates, and the hull's error, against the share of them that was relaxed.

    The thin diagonal is a random order on average.

    Args:
        curves: name to curve; one color each, solid for the hull, dashed for 25 meV/atom.
        title: above the picture.
    """
    figure = Figure(figsize=(7.2, 6.4), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    for color, (name, curve) in zip(ACCENTS * len(curves), curves.items(), strict=False):
        share = 100.0 * curve.fraction
        upper.plot(share, curve.recall_on_hull, color=color, drawstyle="steps-post", label=f"{name}, on the hull")
        upper.plot(
            share,
            curve.recall_25mev,
            color=color,
            drawstyle="steps-post",
            linestyle="--",
            label=f"{name}, within 25 meV/atom",
        )
        lower.plot(share, curve.hull_error_max_mev, color=color, drawstyle="steps-post", label=f"{name}, largest")
        lower.plot(
            share, curve.hull_error_mean_mev, color=color, drawstyle="steps-post", linestyle="--", label=f"{name}, mean"
        )
    upper.plot([0, 100], [0, 1], color=DROPPED, linewidth=0.8)
    upper.set_ylabel("Recall")
    upper.set_ylim(0.0, 1.02)
    lower.set_yscale("symlog", linthresh=LINEAR_BELOW)
    lower.set_ylim(bottom=0.0)
    lower.set_ylabel("Error of the hull (meV/atom)")
    lower.set_xlabel("Candidates relaxed (%)")
    lower.set_xlim(0, 100)
    for axes in (upper, lower):
        _light_grid(axes)
    if title:
        figure.suptitle(title)
    return figure


def draw_enrichment(curves: Mapping[float, DiscoveryCurve], *, title: str = "") -> Figure:
    """Enrichment factor against the number of calculations, one curve for every notion of stable.

    Dotted lines are what the best possible order gives.

    Args:
        curves: threshold in eV/atom above the hull to curve.
        title: above the picture.
    """
    figure = Figure(figsize=(7.2, 4.6), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for color, (limit, curve) in zip(ACCENTS * len(curves), curves.items(), strict=False):
        done = curve.calculations[1:]
        label = (
            f"within {MEV_PER_EV * limit:.0f} meV/atom ({curve.total:,})" if limit else f"on the hull ({curve.total:,})"
        )
        axes.plot(done, curve.enrichment[1:], color=color, label=label)
        if curve.total:
            best = curve.candidates * (done.clip(max=curve.total) / done) / curve.total
            axes.plot(done, best, color=color, linestyle=":", linewidth=0.8)
    axes.axhline(1.0, color=DROPPED, linewidth=0.8)
    axes.set_yscale("log")
    axes.set_xlabel("Candidates relaxed")
    axes.set_ylabel("Enrichment factor")
    axes.set_xlim(left=0)
    _light_grid(axes)
    if title:
        axes.set_title(title)
    return figure


def draw_precision_recall(curves: Mapping[float, DiscoveryCurve], *, title: str = "") -> Figure:
    """Share of the relaxed that are found over the share of all that are, one curve for every notion of stable.

    Args:
        curves: threshold in eV/atom above the hull to curve.
        title: above the picture.
    """
    figure = Figure(figsize=(5.4, 5.2), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for color, (limit, curve) in zip(ACCENTS * len(curves), curves.items(), strict=False):
        label = f"within {MEV_PER_EV * limit:.0f} meV/atom" if limit else "on the hull"
        axes.plot(curve.recall[1:], curve.precision[1:], color=color, label=f"{label} ({curve.total:,})")
        axes.axhline(curve.total / curve.candidates, color=color, linestyle=":", linewidth=0.8)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="Recall", ylabel="Precision")
    _light_grid(axes)
    if title:
        axes.set_title(title)
    return figure


def _light_grid(axes: Axes) -> None:
    """A light grid and a legend without a box."""
    axes.grid(visible=True, color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(color=LINE)
    axes.legend(frameon=False, fontsize=8)
