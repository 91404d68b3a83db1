"""Substitution probabilities as a heat map, with like elements beside each other."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.plots.style import LINE
from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.types import Substitutions
from aiida_mlhull.science.types.crystals import Integers

COLORS: Final = "viridis"
NEVER: Final = "#f0f0f0"
DECADES: Final = 3
"""Probabilities below the highest by more than this many powers of ten share a color."""

LARGEST_FONT: Final = 8.0


def pettifor_order(table: Substitutions) -> Integers:
    """(E,) rows of the table in the order of Pettifor's chemical scale, where like elements are neighbors."""
    known = element_table()
    scale = {str(symbol): float(number) for symbol, number in zip(known.symbols, known.mendeleev_number, strict=True)}
    return np.argsort([scale[symbol] for symbol in table.elements], kind="stable")


def draw_substitutions(table: Substitutions, *, title: str = "") -> Figure:
    """Every row an element that is replaced, every column one that stands in its place; rows sum to one.

    Args:
        table: counts and smoothing.
        title: above the picture.

    Raises:
        InputError: if the table has no element.
    """
    if not table.elements:
        raise InputError("a table without elements can't be drawn")
    order = pettifor_order(table)
    shown = np.where(
        (table.counts + table.smoothing)[np.ix_(order, order)] > 0, table.probabilities[np.ix_(order, order)], np.nan
    )
    highest = float(np.nanmax(shown, initial=1e-12))
    side = float(np.clip(2.5 + 0.12 * len(order), 4.5, 13.0))
    figure = Figure(figsize=(side + 1.0, side), dpi=160)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_facecolor(NEVER)
    image = axes.imshow(
        shown, cmap=COLORS, norm=LogNorm(highest * 10.0**-DECADES, highest, clip=True), interpolation="none"
    )
    names = [table.elements[row] for row in order.tolist()]
    font = min(LARGEST_FONT, 60.0 * side / len(names) / 1.3)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=font)
    axes.set_yticks(range(len(names)), names, fontsize=font)
    axes.tick_params(length=0, pad=2, labelcolor=LINE)
    axes.set_xlabel("is replaced by")
    axes.set_ylabel("element of the parent (Pettifor's scale)")
    if title:
        axes.set_title(title, fontsize=11)
    bar = figure.colorbar(image, ax=axes, fraction=0.035, pad=0.02, extend="min")
    bar.set_label("probability (gray: never seen)")
    figure.tight_layout()
    return figure
