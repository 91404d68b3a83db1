"""Labels that keep out of each other's way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox, BboxBase

from aiida_mlhull.science.plots.style import LINE
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Booleans

DISTANCES: Final = (7.0, 13.0, 21.0, 32.0, 45.0)
"""Points between mark and label, nearest first."""
DIRECTIONS: Final = 16
LEADER: Final = 9.0
"""Labels farther away than this many points get a line to their mark."""
MARK: Final = 4.0
"""Radius of a large mark in points."""
POINTS_PER_INCH: Final = 72.0
DASH: Final = 6.0
"""Pixels between the points that stand for a line."""
MARGIN: Final = 1.5
"""Pixels that are kept free around a label."""


def place_labels(
    axes: Axes,
    points: Floats,
    texts: Sequence[str],
    *,
    obstacles: Floats,
    lines: Sequence[Floats],
    bold: Booleans,
    away_from: tuple[float, float] | None = None,
    size: float = 9.0,
) -> None:
    """Write a label beside every point, where it covers least.

    Greedy: label after label is tried in rings of directions, and goes where it meets no other label,
    no mark and no border; where there is no such place, where it meets least.

    Args:
        axes: limits and size must be final.
        points: (n, 2) data coordinates of what is labeled.
        texts: n labels.
        obstacles: (m, 2) data coordinates of all marks.
        lines: (2, 2) data coordinates of the ends of every line; labels rather don't lie on one.
        bold: (n,) labels in bold.
        away_from: data coordinates that labels rather look away from, such as the middle of a triangle.
        size: of the letters, in points.
    """
    figure = axes.figure
    assert isinstance(figure, Figure)
    canvas = figure.canvas if isinstance(figure.canvas, FigureCanvasAgg) else FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    renderer, scale = cast("Any", canvas).get_renderer(), figure.dpi / POINTS_PER_INCH
    marks = axes.transData.transform(obstacles) if len(obstacles) else np.empty((0, 2))
    homes = axes.transData.transform(points) if len(points) else np.empty((0, 2))
    strokes = _points_along([axes.transData.transform(line) for line in lines])
    center = axes.transData.transform(away_from) if away_from is not None else None
    border = figure.bbox
    taken: list[Bbox] = []
    for home, point, text, heavy in zip(homes, points, texts, bold, strict=True):
        label = axes.annotate(
            text, xy=(point[0], point[1]), xytext=(0, 0), textcoords="offset points", ha="center", va="center",
            fontsize=size, fontweight="bold" if heavy else "normal", zorder=10,
        )  # fmt: skip
        extent = label.get_window_extent(renderer)
        half = np.asarray([extent.width, extent.height]) / 2.0 + MARGIN
        best, offset = np.inf, np.zeros(2)
        for ring, distance in enumerate(DISTANCES):
            for direction in _directions(home, center):
                shift = direction * (distance * scale + half * np.abs(direction))
                box = Bbox([home + shift - half, home + shift + half])
                cost = (
                    _cost(box, taken=taken, marks=marks, strokes=strokes, border=border, radius=MARK * scale)
                    + 0.4 * ring
                )
                if cost < best - 1e-9:
                    best, offset = cost, shift
        label.set_position((offset[0] / scale, offset[1] / scale))
        taken.append(Bbox([home + offset - half, home + offset + half]))
        _lead(axes, point, offset, half, scale=scale)


def _directions(home: Floats, center: Floats | None) -> Floats:
    """Unit vectors all around, the preferred ones first: away from the center, or else below."""
    angles = 2.0 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    around = np.column_stack([np.cos(angles), np.sin(angles)])
    outward = home - center if center is not None else np.asarray([0.0, -1.0])
    if not outward.any():
        outward = np.asarray([0.0, -1.0])
    return np.asarray(around[np.argsort(-(around @ outward).round(6), kind="stable")])


def _cost(
    box: Bbox, *, taken: Sequence[Bbox], marks: Floats, strokes: Floats, border: BboxBase, radius: float
) -> float:
    """How much a place covers: other labels weigh more than marks, leaving the figure weighs most."""
    meets = sum(box.overlaps(other) for other in taken)
    outside = not (border.x0 <= box.x0 and box.x1 <= border.x1 and border.y0 <= box.y0 and box.y1 <= border.y1)
    crossed = min(_inside(box, strokes, margin=0.0), 6)
    return 10.0 * meets + 1.0 * _inside(box, marks, margin=radius) + 0.25 * crossed + 100.0 * outside


def _inside(box: Bbox, points: Floats, *, margin: float) -> int:
    """How many points lie in a box."""
    low, high = np.asarray(box.min) - margin, np.asarray(box.max) + margin
    return int(((points > low) & (points < high)).all(axis=1).sum())


def _points_along(lines: Sequence[Floats]) -> Floats:
    """(n, 2) pixels along lines given by their ends in pixels."""
    parts = [
        start + np.linspace(0.0, 1.0, max(int(np.hypot(*(end - start)) / DASH), 2))[:, None] * (end - start)
        for start, end in lines
    ]
    return np.concatenate(parts) if parts else np.empty((0, 2))


def _lead(axes: Axes, point: Floats, offset: Floats, half: Floats, *, scale: float) -> None:
    """A thin line from the mark to a label that had to move away; offsets in pixels."""
    edge = offset - np.clip(offset, -half, half)
    if np.hypot(*edge) < LEADER * scale:
        return
    axes.annotate(
        "", xy=(point[0], point[1]), xytext=(edge[0] / scale, edge[1] / scale), textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": LINE, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}, zorder=9,
    )  # fmt: skip
