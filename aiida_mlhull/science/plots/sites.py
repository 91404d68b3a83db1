"""What elements contribute to predictions, by the site that they are on."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from aiida_mlhull.science.metrics.site_averages import SiteAverages
from aiida_mlhull.science.plots.style import ACCENTS
from aiida_mlhull.science.representations.composition import SYMBOLS


def draw_site_averages(averages: SiteAverages, *, fewest: int = 1, unit: str = "eV/atom", title: str = "") -> Figure:
    """Mean contribution of every element, one mark for each kind of site, elements in ascending order of their mean.

    Args:
        averages: see :func:`~aiida_mlhull.science.metrics.site_averages.site_averages`.
        fewest: sites below which an average isn't drawn.
        unit: of the contributions.
        title: above the picture.
    """
    means = np.where(averages.counts >= fewest, averages.means, np.nan)
    shown = np.flatnonzero(np.isfinite(means).any(axis=1))
    order = shown[np.argsort(np.nanmean(means[shown], axis=1), kind="stable")]
    figure = Figure(figsize=(max(4.0, 0.16 * len(order) + 1.5), 3.6), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, kind in enumerate(averages.kinds):
        color, marker = ACCENTS[number % len(ACCENTS)], "osD^v"[number % 5]
        axes.plot(range(len(order)), means[order, number], marker, markersize=4.5, color=color, label=kind)
    symbols = [SYMBOLS[averages.elements[row] - 1] for row in order]
    axes.set_xticks(range(len(order)), symbols, fontsize=7, rotation=90)
    axes.set(ylabel=f"Mean contribution ({unit})" if unit else "Mean contribution", xlim=(-0.8, len(order) - 0.2))
    axes.grid(alpha=0.2, linewidth=0.5)
    axes.legend(frameon=False, title="site")
    if title:
        axes.set_title(title)
    return figure
