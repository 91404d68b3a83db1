"""Phase diagrams on paper: everything is drawn where it belongs, and can be read."""

from __future__ import annotations

import io
from itertools import combinations

import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.text import Annotation

from aiida_mlhull.science.plots import draw_phase_diagram
from aiida_mlhull.science.plots.style import ONE_A_COMPOSITION, html, mathtext

DROPPED = {
    "binary": {"dropped (2)", "dropped, no estimate (1)"},
    "ternary": {"dropped (2)", "dropped, no estimate (0 of 1)", "relaxed, above the hull (2 of 3)"},
    "quaternary": {"dropped (1)"},
}


def picture(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    buffer.seek(0)
    return imread(buffer)


def labels_of(figure):
    texts = [text for text in figure.axes[0].texts if isinstance(text, Annotation) and text.get_text()]
    figure.draw_without_rendering()
    return {text.get_text(): text for text in texts}


def drawn_points(axes):
    lines = [np.column_stack(line.get_data()) for line in axes.lines if line.get_linestyle() == "None"]
    return np.concatenate([*lines, *(shown.get_offsets() for shown in axes.collections)])


@pytest.mark.parametrize("which", ["binary", "ternary", "quaternary"])
def test_it_is_a_picture_with_its_stable_phases_named(which, request):
    diagram = request.getfixturevalue(which)
    figure = draw_phase_diagram(diagram, title="a title")
    assert picture(figure).std() > 0.05
    names = labels_of(figure)
    stable = [*diagram.elements, *(mathtext(f) for f in diagram.formulas[diagram.stable_compounds()])]
    assert sorted(names) == sorted(stable)
    for formula in diagram.formulas[diagram.new & (diagram.fractions.max(axis=1) < 1)]:
        assert names[mathtext(formula)].get_fontweight() == "bold"
    legend = figure.legends[0]
    counts = {text.get_text() for text in legend.get_texts()}
    assert f"on the hull, found ({int(diagram.new.sum())})" in counts
    assert counts >= DROPPED[which]
    assert (legend.get_title().get_text() == ONE_A_COMPOSITION) == (which == "ternary")


@pytest.mark.parametrize("which", ["binary", "ternary", "quaternary"])
def test_labels_keep_out_of_each_others_way(which, request):
    figure = draw_phase_diagram(request.getfixturevalue(which))
    boxes = [text.get_window_extent() for text in labels_of(figure).values()]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    whole = figure.bbox
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1 for box in boxes)


def test_every_polymorph_of_a_binary_stands_at_its_own_energy(binary):
    axes = draw_phase_diagram(binary).axes[0]
    points = drawn_points(axes)
    seen = np.isfinite(binary.formation)
    for x, energy in zip(binary.fractions[seen, 1], binary.formation[seen], strict=True):
        assert np.abs(points - [x, energy]).max(axis=1).min() < 1e-12
    assert axes.get_ylabel() == "Formation energy (eV/atom)"
    assert "Ti" in axes.get_xlabel()
    assert axes.get_ylim()[0] < binary.formation[seen].min()


def test_hull_line_of_a_binary_is_the_hull(binary):
    line = draw_phase_diagram(binary).axes[0].lines[0]
    x, energy = line.get_data()
    assert (np.diff(x) > 0).all()
    assert (np.diff(np.diff(energy) / np.diff(x)) > 0).all()
    assert len(x) == binary.on_hull.sum()


def test_phases_of_a_ternary_stand_at_their_composition(ternary):
    axes = draw_phase_diagram(ternary).axes[0]
    corners = np.asarray([[0, 0], [1, 0], [0.5, np.sqrt(3) / 2]])
    points = drawn_points(axes)
    for place in ternary.fractions @ corners:
        assert np.abs(points - place).max(axis=1).min() < 1e-12


def test_color_tells_the_height_above_the_hull(ternary):
    figure = draw_phase_diagram(ternary)
    shown = next(found for found in figure.axes[0].collections if found.get_array() is not None)
    above = ternary.above_hull[ternary.kept & ~ternary.on_hull & ternary.on_top]
    np.testing.assert_allclose(np.sort(shown.get_array()), np.sort(above.clip(0, 0.2)))
    assert figure.axes[1].get_ylabel() == "Energy above hull (eV/atom)"


def test_only_the_lowest_phase_of_a_composition_is_drawn(ternary):
    points = drawn_points(draw_phase_diagram(ternary).axes[0])
    assert len(points) == len(np.unique(ternary.fractions, axis=0))
    assert len(np.unique(points.round(9), axis=0)) == len(points)


def test_the_same_diagram_gives_the_same_picture(ternary):
    first, second = (picture(draw_phase_diagram(ternary)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_formulas_as_chemists_write_them():
    assert mathtext("As3Cd4Rb1") == "RbCd$_{4}$As$_{3}$"
    assert html("Al1Na1O4Si1") == "NaAlSiO<sub>4</sub>"
    assert mathtext("Ti") == "Ti"
