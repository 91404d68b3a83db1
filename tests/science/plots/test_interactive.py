"""Phase diagrams to turn: the traces hold every phase in its place and say who it is."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.plots import MarkedPhases, interactive_phase_diagram, make_diagram


def marks(figure):
    return [trace for trace in figure.data if getattr(trace, "mode", "") == "markers"]


@pytest.mark.parametrize("which", ["binary", "ternary", "quaternary"])
def test_every_phase_says_who_it_is(which, request):
    diagram = request.getfixturevalue(which)
    figure = interactive_phase_diagram(diagram, title="a title")
    said = [text for trace in marks(figure) for text in trace.text]
    seen = diagram.ids[diagram.on_top if which == "quaternary" else np.isfinite(diagram.formation)]
    assert len(said) == len(seen)
    for name in seen:
        assert sum(f"<br>{name}<br>" in text for text in said) == 1
    assert any("meV/atom above the hull" in text for text in said)
    assert figure.layout.title.text == "a title"
    assert "<div" in figure.to_html(include_plotlyjs=False, full_html=False)


def test_ternary_polymorphs_lie_above_each_other(ternary):
    figure = interactive_phase_diagram(ternary)
    x, y, z = (np.concatenate([getattr(trace, axis) for trace in marks(figure)]) for axis in "xyz")
    rows = np.flatnonzero(ternary.formulas == "TiZnN2")
    assert len(rows) == 2
    for row in rows:
        assert np.abs(z - ternary.formation[row]).min() < 1e-12
    at = [np.abs(z - ternary.formation[row]).argmin() for row in rows]
    assert x[at[0]] == x[at[1]]
    assert y[at[0]] == y[at[1]]
    assert figure.layout.scene.zaxis.title.text == "Formation energy (eV/atom)"


def test_hull_surface_is_made_of_the_facets(ternary):
    surface = next(trace for trace in interactive_phase_diagram(ternary).data if trace.type == "mesh3d")
    np.testing.assert_array_equal(np.column_stack([surface.i, surface.j, surface.k]), ternary.facets)


def test_legends_and_phases_tell_of_what_is_not_shown(known, ternary):
    names = {trace.name for trace in marks(interactive_phase_diagram(ternary))}
    assert names >= {"dropped (2 of 3)", "relaxed, above the hull (3)"}
    kept = MarkedPhases(np.asarray(["a", "b"]), np.asarray(["TiZnNO", "TiZnNO"]), np.asarray([-5.5, -5.6]))
    figure = interactive_phase_diagram(make_diagram(known, kept=kept))
    (mark,) = (trace for trace in marks(figure) if trace.name.startswith("relaxed"))
    assert mark.name == "relaxed, above the hull (1 of 2)"
    assert "<br>b<br>" in mark.text[0]
    assert mark.text[0].endswith("1 of 2 phases of this composition, lowest first")
    assert figure.layout.legend.title.text.startswith("One mark for all phases")


def test_names_have_subscripts(binary):
    names = next(trace for trace in interactive_phase_diagram(binary).data if getattr(trace, "mode", "") == "text")
    assert sorted(names.text) == ["Ti<sub>2</sub>N", "TiN"]


def test_phases_without_energy_say_so(known):
    unseen = MarkedPhases(np.asarray(["d"]), np.asarray(["TiZnNO"]), np.asarray([np.nan]))
    said = [
        text
        for trace in marks(interactive_phase_diagram(make_diagram(known, kept=MarkedPhases.none(), dropped=unseen)))
        for text in trace.text
    ]
    assert sum("no energy" in text for text in said) == 1
    assert not any("nan" in text for text in said)
