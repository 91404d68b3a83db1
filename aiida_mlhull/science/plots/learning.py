"""Learning curves in a log-log plot, where power laws are straight."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from aiida_mlhull.science.ensembles.learning import LearningCurve
from aiida_mlhull.science.metrics.learning import fit_power_law
from aiida_mlhull.science.plots.style import ACCENTS


def draw_learning_curves(curves: Mapping[str, LearningCurve], *, unit: str = "eV/atom", title: str = "") -> Figure:
    """MAE over training size: a point a repeat, a line a power law with its slope.

    Args:
        curves: name to curve; those of one size only get no line.
        unit: of the errors.
        title: above the picture.
    """
    figure = Figure(figsize=(6.4, 4.8), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for color, (name, curve) in zip(ACCENTS * len(curves), curves.items(), strict=False):
        repeats = curve.mae.shape[1]
        axes.plot(np.repeat(curve.sizes, repeats), curve.mae.ravel(), "o", markersize=4, color=color, alpha=0.7)
        label = name
        if len(curve.sizes) > 1:
            law = fit_power_law(curve.sizes, curve.mae)
            label = f"{name}, slope {law.slope:.2f}"
            axes.plot(curve.sizes, law(curve.sizes.astype(np.float64)), color=color, linewidth=1.2)
        axes.plot([], [], "o-", markersize=4, color=color, label=label)
    axes.set(xscale="log", yscale="log", xlabel="Rows to learn from", ylabel=f"MAE ({unit})")
    axes.grid(which="both", alpha=0.2, linewidth=0.5)
    axes.legend(frameon=False)
    if title:
        axes.set_title(title)
    return figure
