"""Phase diagrams on paper: binary, ternary and quaternary, with matplotlib.

Three marks, as in Fig. 7 of Ekström 2022: phases on the hull, candidates relaxed to the end above it,
and candidates dropped on the way. On the hull a full mark is a candidate, an open one was known before.
In a triangle or tetrahedron all phases of a composition meet in one place, where only the lowest is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aiida_mlhull.science.plots.diagram import FEWEST, Diagram
from aiida_mlhull.science.plots.labels import place_labels
from aiida_mlhull.science.plots.style import (
    ABOVE_HULL_AXIS,
    DROPPED,
    ENERGY_AXIS,
    KEPT,
    KNOWN,
    LINE,
    ONE_A_COMPOSITION,
    STABLE,
    mathtext,
    tally,
)
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Booleans

CORNERS: Final = {
    3: np.asarray([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3.0) / 2.0]]),
    4: np.asarray([[0.0, 0.17], [0.6, 0.0], [1.0, 0.3], [0.5, 0.98]]),
}
"""The Gibbs triangle, and the tetrahedron as seen from a little above; in the order of the elements."""
TERNARY: Final = 3
HIDDEN: Final = 1
"""The edge from the first to the third corner lies behind the others."""
COLORS: Final = "plasma"
COLORED_UP_TO: Final = 0.2
"""eV/atom above the hull; colors end there."""

Marks = list[tuple[Booleans, dict[str, Any]]]
"""(n,) phases, and how they are drawn."""


def draw_phase_diagram(diagram: Diagram, *, title: str = "") -> Figure:
    """A phase diagram of two, three or four elements.

    Args:
        diagram: what is shown.
        title: above the picture.
    """
    binary = len(diagram.elements) == FEWEST
    shown = np.ones(len(diagram.ids), dtype=bool) if binary else diagram.on_top
    figure = Figure(figsize=(7.2, 5.4) if binary else (7.6, 6.4), dpi=160)
    FigureCanvasAgg(figure)
    marks = _marks(diagram, shown)
    (_draw_binary if binary else _draw_simplex)(figure, diagram, marks)
    if title:
        figure.suptitle(title, fontsize=12)
    figure.legend(
        handles=[Line2D([], [], linestyle="none", **style) for _, style in marks],
        loc="lower center", ncols=3, frameon=False, fontsize=8,
        title=None if shown.all() else ONE_A_COMPOSITION, title_fontsize=8,
    )  # fmt: skip
    return figure


def _draw_binary(figure: Figure, diagram: Diagram, marks: Marks) -> None:
    """Formation energy against composition; every polymorph stands at its own energy, those without one at the top."""
    axes = figure.add_subplot()
    x, energy = diagram.fractions[:, 1], diagram.formation
    line = diagram.facets[:, 0].tolist() + diagram.facets[-1:, 1].tolist()
    axes.plot(x[line], energy[line], color=LINE, linewidth=1.0, zorder=2)
    axes.axhline(0.0, color=LINE, linewidth=0.5, linestyle=":", zorder=1)
    bottom, top = _energy_limits(diagram)
    height = np.where(np.isnan(energy), top - 0.02 * (top - bottom), energy)
    for mask, style in marks:
        axes.plot(x[mask], height[mask], linestyle="none", **style)
    first, second = diagram.elements
    axes.set_xlabel(f"$x$ in {first}$_{{1-x}}${second}$_x$")
    axes.set_ylabel(ENERGY_AXIS)
    axes.set_xlim(-0.04, 1.04)
    axes.set_ylim(bottom, top)
    hidden = int((energy > top).sum())
    if hidden:
        axes.text(0.985, 0.975, f"{hidden} more above", transform=axes.transAxes, ha="right", va="top", fontsize=8)
    figure.subplots_adjust(left=0.11, right=0.97, bottom=0.2, top=0.93)
    _label(axes, diagram, np.column_stack([x, height]))


def _energy_limits(diagram: Diagram) -> tuple[float, float]:
    """Bottom and top in eV/atom: the whole hull, and above the elements at least a third of its depth."""
    there = diagram.formation[np.isfinite(diagram.formation)]
    deepest = min(float(there.min()), -0.05)
    highest = min(max(float(there.max()), 0.02), max(0.5, -2.0 * deepest))
    span = highest - deepest
    return deepest - 0.16 * span, highest + 0.06 * span


def _draw_simplex(figure: Figure, diagram: Diagram, marks: Marks) -> None:
    """Triangle or tetrahedron; one mark per composition."""
    axes = figure.add_axes((0.02, 0.1, 0.82, 0.85))
    corners = CORNERS[len(diagram.elements)]
    places = diagram.fractions @ corners
    edges = [corners[[a, b]] for a, b in combinations(range(len(corners)), 2)]
    if len(corners) == TERNARY:
        _draw_grid(axes, corners)
    for number, edge in enumerate(edges):
        hidden = len(corners) > TERNARY and number == HIDDEN
        axes.plot(*edge.T, color=LINE, linewidth=1.0, linestyle="--" if hidden else "-", zorder=1)
    for a, b in diagram.ties:
        axes.plot(*places[[a, b]].T, color=LINE, linewidth=0.8, alpha=0.8 if len(corners) == TERNARY else 0.3, zorder=2)
    _spread_marks(figure, axes, diagram, places, marks)
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_xlim(-0.06, 1.06)
    axes.set_ylim(-0.06, corners[:, 1].max() + 0.06)
    middle = corners.mean(axis=0)
    _label(axes, diagram, places, lines=edges, away_from=(float(middle[0]), float(middle[1])))


def _draw_grid(axes: Axes, corners: Floats) -> None:
    """Fine lines at every fifth."""
    for share in np.arange(0.2, 0.99, 0.2):
        for corner in range(TERNARY):
            ends = [share * corners[corner] + (1 - share) * corners[(corner + turn) % TERNARY] for turn in (1, 2)]
            axes.plot(*np.transpose(ends), color="#dddddd", linewidth=0.5, zorder=0)


def _spread_marks(figure: Figure, axes: Axes, diagram: Diagram, places: Floats, marks: Marks) -> None:
    """Marks in a triangle or a tetrahedron; the color tells the height above the hull."""
    above = np.clip(np.nan_to_num(diagram.above_hull, nan=COLORED_UP_TO), 0.0, COLORED_UP_TO)
    norm = Normalize(0.0, COLORED_UP_TO)
    for mask, style in marks:
        rows = np.flatnonzero(mask)
        if not len(rows):
            continue
        if style["label"].startswith("relaxed"):
            axes.scatter(
                places[rows, 0], places[rows, 1], c=above[rows], cmap=COLORS, norm=norm, s=34, zorder=style["zorder"],
                edgecolors=LINE, linewidths=0.4, clip_on=False,
            )  # fmt: skip
        else:
            axes.plot(*places[rows].T, linestyle="none", **style)
    colors = next((shown for shown in axes.collections if shown.get_array() is not None), None)
    if colors is not None:
        bar = figure.colorbar(colors, cax=figure.add_axes((0.87, 0.28, 0.02, 0.45)), extend="max")
        bar.set_label(ABOVE_HULL_AXIS)


STYLES: Final[dict[str, dict[str, Any]]] = {
    "dropped, no estimate": {"marker": "|", "color": DROPPED, "markersize": 8},
    "dropped": {"marker": "x", "color": DROPPED, "markersize": 4, "markeredgewidth": 0.8},
    "known, above the hull": {
        "marker": "D",
        "markerfacecolor": "white",
        "markeredgecolor": KNOWN,
        "markersize": 3.5,
        "markeredgewidth": 0.7,
    },
    "on the hull, known": {
        "marker": "o",
        "markerfacecolor": "white",
        "markeredgecolor": STABLE,
        "markersize": 8,
        "markeredgewidth": 1.6,
    },
    "relaxed, above the hull": {
        "marker": "o",
        "markerfacecolor": KEPT,
        "markeredgecolor": LINE,
        "markersize": 5,
        "markeredgewidth": 0.4,
    },
    "on the hull, found": {
        "marker": "o",
        "markerfacecolor": STABLE,
        "markeredgecolor": LINE,
        "markersize": 8,
        "markeredgewidth": 0.8,
    },
}
"""Marks of the groups of phases, bottom to top, by the group's label."""


def _groups(diagram: Diagram) -> dict[str, Booleans]:
    """Which phases belong to which group of :data:`STYLES`."""
    above, estimated = ~diagram.on_hull, np.isfinite(diagram.formation)
    return {
        "dropped, no estimate": diagram.dropped & ~estimated,
        "dropped": diagram.dropped & estimated,
        "known, above the hull": diagram.known & above,
        "on the hull, known": diagram.known & diagram.on_hull,
        "relaxed, above the hull": diagram.kept & above,
        "on the hull, found": diagram.new,
    }


def _marks(diagram: Diagram, shown: Booleans) -> Marks:
    """The marks of the phases that are ``shown``, bottom to top; labels count them out of all of their group."""
    groups = _groups(diagram)
    return [
        (
            groups[label] & shown,
            {
                **style,
                "label": f"{label} {tally(int((groups[label] & shown).sum()), int(groups[label].sum()))}",
                "zorder": 3 + level,
                "clip_on": False,
            },
        )
        for level, (label, style) in enumerate(STYLES.items())
        if groups[label].any()
    ]


def _label(
    axes: Axes,
    diagram: Diagram,
    places: Floats,
    *,
    lines: Sequence[Floats] = (),
    away_from: tuple[float, float] | None = None,
) -> None:
    """Name the corners and all stable compounds; what the campaign has found in bold."""
    corners = [
        int(np.flatnonzero(diagram.on_hull & (diagram.fractions[:, i] == 1.0))[0]) for i in range(len(diagram.elements))
    ]
    rows = np.asarray([*corners, *diagram.stable_compounds().tolist()])
    place_labels(
        axes,
        places[rows],
        [*diagram.elements, *map(mathtext, diagram.formulas[rows[len(corners) :]].tolist())],
        obstacles=places[np.isfinite(places).all(axis=1)],
        lines=[*(places[[a, b]] for a, b in diagram.ties), *lines],
        bold=diagram.new[rows],
        away_from=away_from,
    )
