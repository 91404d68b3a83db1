"""Maps show every point once, outline what is empty, and mark who falls there."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.maps.points import MapPoints
from aiida_mlhull.science.maps.territory import explore
from aiida_mlhull.science.plots.maps import MARKERS, draw_map, interactive_map


def points(x, y, *, color=None, families=None):
    n = len(x)
    return MapPoints(
        x=np.asarray(x, dtype=float),
        y=np.asarray(y, dtype=float),
        color=None if color is None else np.asarray(color, dtype=float),
        families=np.asarray(families if families is not None else ["A"] * n),
        names=np.asarray([f"row {row}" for row in range(n)]),
        estimated=np.zeros(n, dtype=bool),
        labels=("a", "b", "" if color is None else "t", "kind"),
    )


@pytest.fixture
def diagonal():
    x = np.linspace(0.0, 4.0, 40)
    return points([*x, np.nan], [*x, 1.0], color=[*x, 2.0], families=["A"] * 30 + ["B"] * 11)


def test_every_point_is_drawn_once(diagonal):
    territory = explore(diagonal.x, diagonal.y, bins=4)
    figure = draw_map(diagonal, territory, title="t")
    axes = figure.axes[0]
    drawn = np.concatenate([group.get_offsets() for group in axes.collections])
    assert sorted(drawn[:, 0].tolist()) == sorted(diagonal.x[:-1].tolist())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["A (30)", "B (10)"]
    assert "1 of 41 rows have no place here" in [text.get_text() for text in axes.texts]
    assert figure.axes[1].get_ylabel() == "t"


def test_an_empty_region_is_outlined_along_its_border(diagonal):
    territory = explore(diagonal.x, diagonal.y, bins=4)
    assert len(territory.regions) == 2  # above and below the diagonal
    line = draw_map(diagonal, territory).axes[0].lines[0]
    x, y = np.asarray(line.get_data())
    corners = np.column_stack([x, y])[np.isfinite(x)]
    region = territory.regions[0]
    for i, j in np.argwhere(region.cells):
        inner = (territory.x_edges[i] + 0.5, territory.y_edges[j] + 0.5)
        assert not (np.abs(corners - inner).max(axis=1) < 0.5).any()  # no stroke crosses a cell
    assert len(corners) / 2 == 2 * (3 + 3)  # strokes of a staircase of 3 + 2 + 1 cells


def test_candidates_are_told_by_where_they_fall(diagonal):
    territory = explore(diagonal.x, diagonal.y, bins=4)
    new = points([0.5, 3.5, 2.0, 9.0], [3.5, 0.5, 2.0, 9.0])
    page = interactive_map(diagonal, territory, candidates=new)
    names = [trace.name for trace in page.data]
    assert names == [
        "A (30)", "B (10)", "unexplored, 1 (38%)", "unexplored, 2 (38%)",
        "candidates in new territory (2)", "candidates (2)",
    ]  # fmt: skip
    assert page.data[0].text[0] == "<b>row 0</b><br>kind: A<br>a: 0<br>b: 0<br>t: 0"
    figure = draw_map(diagonal, territory, candidates=new)
    assert figure.axes[0].get_xlim()[1] > 9.0  # candidates outside the range are seen, too


def test_more_families_than_markers_share_the_last_one():
    n = len(MARKERS) + 5
    many = points(np.arange(n), np.arange(n), families=[f"F{row:02d}" for row in range(n)])
    figure = draw_map(many, explore(many.x, many.y, bins=2))
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(texts) == len(MARKERS)
    assert texts[-1] == f"others ({n - len(MARKERS) + 1})"
