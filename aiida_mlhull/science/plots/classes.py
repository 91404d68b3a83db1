"""How well classes are told apart: the ROC, and which class is taken for which."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from aiida_mlhull.science.metrics.classes import ClassScores, Roc
from aiida_mlhull.science.plots.style import ACCENTS, LINE

_DARK: float = 0.6
"""Shares above this are written in white."""


def draw_roc(curves: Mapping[str, Roc], *, title: str = "") -> Figure:
    """Share of a class' rows that are recognized over the share of others that are taken for it; area in the legend."""
    figure = Figure(figsize=(5.4, 5.2), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, (name, curve) in enumerate(curves.items()):
        color = ACCENTS[number % len(ACCENTS)]
        style = ("-", "--", ":")[number // len(ACCENTS) % 3]
        label = f"{name}, AUC {curve.area:.3f}"
        axes.plot(curve.false_positive_rates, curve.true_positive_rates, color=color, linestyle=style, label=label)
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=0.8, linestyle="--")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="False positive rate", ylabel="True positive rate")
    axes.legend(frameon=False, loc="lower right")
    if title:
        axes.set_title(title)
    return figure


def draw_confusion(scores: ClassScores, *, title: str = "") -> Figure:
    """Rows by true and by likeliest class; the shade is the share of the true class' rows."""
    confusion, names = scores.accuracies.confusion, scores.names
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.6 * len(names)
    figure = Figure(figsize=(side, side), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    for (row, column), count in np.ndenumerate(confusion):
        color = "white" if shares[row, column] > _DARK else LINE
        axes.text(column, row, f"{count:,}", ha="center", va="center", color=color)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="Likeliest class", ylabel="True class")
    if title:
        axes.set_title(title)
    return figure


def class_figures(scores: ClassScores) -> dict[str, Figure]:
    """The ROC and the confusion matrix, by file name."""
    return {"roc": draw_roc(scores.curves), "confusion": draw_confusion(scores)}
