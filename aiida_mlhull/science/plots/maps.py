"""Maps: points colored by what they do, empty regions outlined, candidates that fall there marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from aiida_mlhull.science.maps.points import MapPoints
from aiida_mlhull.science.maps.territory import Territory
from aiida_mlhull.science.plots.style import DROPPED, KNOWN, LINE
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Booleans

MARKERS: Final = "osD^vP*Xph<>"
PLOTLY_MARKERS: Final = (
    "circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "star", "x", "pentagon", "hexagon",
    "triangle-left", "triangle-right",
)  # fmt: skip
FAMILY_COLORS: Final = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#994f00", "#000000", "#999933", "#882255",
    "#44aa99", "#bbbbbb",
)  # fmt: skip
"""Paul Tol's bright scheme and some of his muted one, which color-blind readers tell apart."""

SCALE: Final = "viridis"
EMPTY: Final = "#b2182b"
CANDIDATE: Final = "#d6604d"
MARGIN: Final = 0.02
"""Share of the range that is kept free around it."""
SHADE: Final = 0.07
"""Opacity of an empty region."""
OTHERS: Final = "others"


def draw_map(
    points: MapPoints, territory: Territory, *, candidates: MapPoints | None = None, title: str = ""
) -> Figure:
    """A map on paper.

    Args:
        points: what is known.
        territory: of these points.
        candidates: marked with stars; filled where they fall into an empty region.
        title: above the picture.
    """
    figure = Figure(figsize=(8.2, 5.4), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shown = points.take(points.shown)
    order = np.arange(len(shown)) if shown.color is None else np.argsort(np.nan_to_num(shown.color, nan=-np.inf))
    places = np.empty(len(shown), dtype=np.int64)
    places[order] = np.arange(len(shown))
    limits = None if shown.color is None else (np.nanmin(shown.color), np.nanmax(shown.color))
    drawn = None
    for number, (family, rows) in enumerate(_by_family(shown)):
        rising = rows[np.argsort(places[rows])]  # the highest on top
        style = _style(shown, rising, number=number, limits=limits)
        drawn = axes.scatter(
            shown.x[rising], shown.y[rising], s=16, marker=MARKERS[number % len(MARKERS)], linewidths=0.2,
            edgecolors="white", label=f"{family} ({len(rows):,})", **style,
        )  # fmt: skip
    for number in range(len(territory.regions)):
        _outline(axes, territory, number)
    if candidates is not None:
        _stars(axes, candidates.take(candidates.shown), territory)
    axes.set_xlim(*_with_margin(territory.x_edges, None if candidates is None else candidates.x))
    axes.set_ylim(*_with_margin(territory.y_edges, None if candidates is None else candidates.y))
    _decorate(axes, points, title)
    if drawn is not None and shown.color is not None:
        figure.colorbar(drawn, ax=axes, label=_axis(points.labels[2], estimated=False), pad=0.02)
    handles, names = axes.get_legend_handles_labels()
    if len(handles) > 1:
        legend = figure.legend(handles, names, frameon=False, fontsize=7.5, loc="outside right upper", markerscale=1.4)
        for handle in legend.legend_handles if shown.color is not None else ():
            if isinstance(handle, PathCollection) and handle.get_array() is not None:
                handle.set_array(None)  # the first row's color would be read as the family's
                handle.set_facecolor(KNOWN)
    return figure


def interactive_map(
    points: MapPoints, territory: Territory, *, candidates: MapPoints | None = None, title: str = ""
) -> go.Figure:
    """A map to ask: points say who they are, families can be switched off; see :func:`draw_map`."""
    figure = go.Figure(layout={"template": "simple_white", "title": {"text": title, "x": 0.5}})
    shown = points.take(points.shown)
    for number, (family, rows) in enumerate(_by_family(shown)):
        marker: dict[str, Any] = {
            "size": 7,
            "symbol": PLOTLY_MARKERS[number % len(PLOTLY_MARKERS)],
            "line": {"width": 0.3, "color": "white"},
            "color": FAMILY_COLORS[number % len(FAMILY_COLORS)],
        }
        if shown.color is not None:
            marker |= {"color": shown.color[rows], "coloraxis": "coloraxis"}
        figure.add_trace(
            go.Scatter(
                x=shown.x[rows], y=shown.y[rows], mode="markers", name=f"{family} ({len(rows):,})", marker=marker,
                text=_hover(shown, rows), hoverinfo="text",
            )
        )  # fmt: skip
    for number, region in enumerate(territory.regions, start=1):
        x, y = _border(territory, region.cells)
        figure.add_trace(
            go.Scatter(
                x=x, y=y, mode="lines", name=f"unexplored, {number} ({region.share:.0%})",
                line={"color": EMPTY, "width": 1.5, "dash": "dot"}, hoverinfo="skip",
            )
        )  # fmt: skip
    if candidates is not None:
        there = candidates.take(candidates.shown)
        new = territory.where(there.x, there.y) >= 0
        for mask, name, symbol in ((new, "candidates in new territory", "star"), (~new, "candidates", "star-open")):
            rows = np.flatnonzero(mask)
            figure.add_trace(
                go.Scatter(
                    x=there.x[rows], y=there.y[rows], mode="markers", name=f"{name} ({len(rows):,})",
                    marker={"symbol": symbol, "size": 12, "color": CANDIDATE, "line": {"width": 1, "color": LINE}},
                    text=_hover(there, rows), hoverinfo="text",
                )
            )  # fmt: skip
    estimated = bool(points.estimated.any())
    figure.update_xaxes(title=points.labels[0])
    figure.update_yaxes(title=_axis(points.labels[1], estimated=estimated))
    if shown.color is not None:
        figure.update_layout(coloraxis={"colorscale": SCALE, "colorbar": {"title": points.labels[2], "x": 1.02}})
        figure.update_layout(legend={"x": 1.16})
    figure.update_layout(legend={"itemsizing": "constant"}, margin={"l": 60, "r": 20, "t": 50, "b": 50})
    return figure


def write_map(
    path: Path, points: MapPoints, territory: Territory, *, candidates: MapPoints | None = None, title: str = ""
) -> None:
    """The map as a file: to turn and to ask if its suffix is ``.html``, else on paper."""
    if path.suffix == ".html":
        interactive_map(points, territory, candidates=candidates, title=title).write_html(path, include_plotlyjs=True)
    else:
        draw_map(points, territory, candidates=candidates, title=title).savefig(path)


def _by_family(points: MapPoints) -> list[tuple[str, Any]]:
    """Rows of every family, the largest first; those that have no marker of their own are one together."""
    names, counts = np.unique(points.families, return_counts=True)
    ranked = names[np.argsort(-counts, kind="stable")]
    own = ranked if len(ranked) <= len(MARKERS) else ranked[: len(MARKERS) - 1]
    groups = [(str(name), np.flatnonzero(points.families == name)) for name in own]
    left = np.flatnonzero(~np.isin(points.families, own))
    return [*groups, (OTHERS, left)] if len(left) else groups


def _style(points: MapPoints, rows: Any, *, number: int, limits: tuple[float, float] | None) -> dict[str, Any]:
    if points.color is None or limits is None:
        return {"color": FAMILY_COLORS[number % len(FAMILY_COLORS)]}
    return {"c": points.color[rows], "cmap": SCALE, "vmin": limits[0], "vmax": limits[1], "plotnonfinite": True}


def _outline(axes: Axes, territory: Territory, number: int) -> None:
    cells = territory.regions[number].cells
    x, y = _border(territory, cells)
    axes.plot(x, y, color=EMPTY, linewidth=1.2, linestyle=":", zorder=1)
    shade = np.zeros((*cells.T.shape, 4))
    shade[cells.T] = (*to_rgb(EMPTY), SHADE)
    extent = (territory.x_edges[0], territory.x_edges[-1], territory.y_edges[0], territory.y_edges[-1])
    axes.imshow(shade, extent=extent, origin="lower", aspect="auto", interpolation="none", zorder=0)


def _border(territory: Territory, cells: Booleans) -> tuple[list[float], list[float]]:
    """The edges between a region and what surrounds it, as one line with gaps."""
    padded = np.pad(cells, 1)
    x_edges, y_edges = territory.x_edges, territory.y_edges
    x: list[float] = []
    y: list[float] = []
    for i, j in np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1]).tolist():
        x += [x_edges[i], x_edges[i], np.nan]
        y += [y_edges[j], y_edges[j + 1], np.nan]
    for i, j in np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1]).tolist():
        x += [x_edges[i], x_edges[i + 1], np.nan]
        y += [y_edges[j], y_edges[j], np.nan]
    return x, y


def _stars(axes: Axes, candidates: MapPoints, territory: Territory) -> None:
    new = territory.where(candidates.x, candidates.y) >= 0
    for mask, name, face in ((new, "candidates in new territory", CANDIDATE), (~new, "candidates", "none")):
        axes.scatter(
            candidates.x[mask], candidates.y[mask], marker="*", s=70, facecolors=face, edgecolors=LINE,
            linewidths=0.7, label=f"{name} ({int(mask.sum()):,})", zorder=5,
        )  # fmt: skip


def _with_margin(edges: Floats, others: Floats | None) -> tuple[float, float]:
    """Lowest and highest value to be shown, with a little space."""
    everything = edges if others is None else np.concatenate([edges, others[np.isfinite(others)]])
    low, high = float(everything.min()), float(everything.max())
    return low - MARGIN * (high - low), high + MARGIN * (high - low)


def _decorate(axes: Axes, points: MapPoints, title: str) -> None:
    hidden = int((~points.shown).sum())
    axes.set_xlabel(points.labels[0])
    axes.set_ylabel(_axis(points.labels[1], estimated=bool(points.estimated.any())))
    if title:
        axes.set_title(title)
    if hidden:
        axes.text(
            0.995, 0.005, f"{hidden:,} of {len(points):,} rows have no place here", transform=axes.transAxes,
            ha="right", va="bottom", fontsize=7, color=DROPPED,
        )  # fmt: skip


def _axis(name: str, *, estimated: bool) -> str:
    return f"{name} (estimated)" if estimated else name


def _hover(points: MapPoints, rows: Any) -> list[str]:
    """What each point says when pointed at."""
    x_name, y_name, color_name, family_name = points.labels
    lines = []
    for row in rows.tolist():
        words = [f"<b>{points.names[row]}</b>"]
        if family_name:
            words.append(f"{family_name}: {points.families[row]}")
        words += [f"{x_name}: {points.x[row]:.5g}", f"{y_name}: {points.y[row]:.5g}"]
        if points.color is not None:
            words.append(f"{color_name}: {points.color[row]:.5g}")
        lines.append("<br>".join(words))
    return lines
