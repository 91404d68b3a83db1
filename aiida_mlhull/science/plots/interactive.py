"""Phase diagrams to turn and to ask, with plotly.

Binaries are drawn as on paper. Ternaries stand on the Gibbs triangle with the formation energy as height,
so polymorphs lie above each other in their true places. Quaternaries fill the tetrahedron, where all phases of
a composition meet in one place and only the lowest is drawn.
"""

from __future__ import annotations

from itertools import combinations
from math import isnan
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from aiida_mlhull.science.plots.diagram import Diagram
from aiida_mlhull.science.plots.style import (
    DROPPED,
    ENERGY_AXIS,
    KEPT,
    KNOWN,
    LINE,
    ONE_A_COMPOSITION,
    STABLE,
    html,
    tally,
)
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Booleans
from aiida_mlhull.science.units import MEV_PER_EV

TRIANGLE: Final = np.asarray([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3.0) / 2.0]])
TETRAHEDRON: Final = np.asarray(
    [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.5, np.sqrt(3.0) / 2.0, 0.0], [0.5, np.sqrt(3.0) / 6.0, np.sqrt(2.0 / 3.0)]]
)


def interactive_phase_diagram(diagram: Diagram, *, title: str = "") -> go.Figure:
    """A phase diagram of two, three or four elements; phases show their id when pointed at.

    Where height is an axis, dropped candidates without an estimate are left out. Legends say so.

    Args:
        diagram: what is shown.
        title: above the picture.
    """
    corners = len(diagram.elements)
    draw = {2: _binary, 3: _ternary, 4: _quaternary}[corners]
    figure = go.Figure(layout={"template": "simple_white", "title": {"text": title, "x": 0.5}})
    draw(figure, diagram)
    figure.update_layout(legend={"itemsizing": "constant"}, margin={"l": 60, "r": 20, "t": 50, "b": 50})
    return figure


def _binary(figure: go.Figure, diagram: Diagram) -> None:
    x, energy = diagram.fractions[:, 1], diagram.formation
    line = diagram.facets[:, 0].tolist() + diagram.facets[-1:, 1].tolist()
    figure.add_trace(
        go.Scatter(
            x=x[line],
            y=energy[line],
            mode="lines",
            line={"color": LINE, "width": 1.5},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    for rows, name, marker in _groups(diagram, np.isfinite(energy)):
        figure.add_trace(
            go.Scatter(
                x=x[rows],
                y=energy[rows],
                mode="markers",
                name=name,
                marker=marker,
                text=_hover(diagram, rows),
                hoverinfo="text",
            )
        )
    stable = diagram.stable_compounds()
    figure.add_trace(
        go.Scatter(
            x=x[stable], y=energy[stable], mode="text", text=[html(f) for f in diagram.formulas[stable].tolist()],
            textposition="bottom center", hoverinfo="skip", showlegend=False,
        )
    )  # fmt: skip
    first, second = diagram.elements
    figure.update_xaxes(title=f"<i>x</i> in {first}<sub>1−x</sub>{second}<sub>x</sub>", range=[-0.04, 1.04])
    figure.update_yaxes(title=ENERGY_AXIS)


def _ternary(figure: go.Figure, diagram: Diagram) -> None:
    places = np.column_stack([diagram.fractions @ TRIANGLE, diagram.formation])
    floor = np.column_stack([TRIANGLE, np.zeros(3)])
    if len(diagram.facets):
        a, b, c = diagram.facets.T
        figure.add_trace(
            go.Mesh3d(
                x=places[:, 0], y=places[:, 1], z=np.nan_to_num(places[:, 2]), i=a, j=b, k=c,
                color=STABLE, opacity=0.12, hoverinfo="skip", name="hull",
            )
        )  # fmt: skip
    _add_solid(figure, diagram, places, floor, shown=np.isfinite(diagram.formation))
    figure.update_layout(
        scene={
            "xaxis": {"visible": False},
            "yaxis": {"visible": False},
            "zaxis": {"title": ENERGY_AXIS},
            "aspectmode": "manual",
            "aspectratio": {"x": 1.0, "y": np.sqrt(3.0) / 2.0, "z": 0.8},
            "camera": {"eye": {"x": 0.4, "y": -1.7, "z": 0.9}},
        }
    )


def _quaternary(figure: go.Figure, diagram: Diagram) -> None:
    shown = diagram.on_top
    _add_solid(figure, diagram, diagram.fractions @ TETRAHEDRON, TETRAHEDRON, shown=shown)
    if not shown.all():
        figure.update_layout(legend={"title": {"text": ONE_A_COMPOSITION.replace(": ", ":<br>")}})
    hidden = {axis: {"visible": False} for axis in ("xaxis", "yaxis", "zaxis")}
    figure.update_layout(scene={**hidden, "aspectmode": "data", "camera": {"eye": {"x": 0.5, "y": -1.6, "z": 0.5}}})


def _add_solid(figure: go.Figure, diagram: Diagram, places: Floats, corners: Floats, *, shown: Booleans) -> None:
    """Edges, tie lines, marks of what is shown, and names in three dimensions."""
    figure.add_trace(_segments([corners[[a, b]] for a, b in combinations(range(len(corners)), 2)], width=4, color=LINE))
    figure.add_trace(_segments([places[[a, b]] for a, b in diagram.ties], width=2, color=KNOWN))
    for rows, name, marker in _groups(diagram, shown):
        x, y, z = places[rows].T
        figure.add_trace(
            go.Scatter3d(
                x=x, y=y, z=z, mode="markers", name=name, text=_hover(diagram, rows), hoverinfo="text",
                marker={**marker, "symbol": marker["symbol"].removesuffix("-thin"), "size": 0.6 * marker["size"]},
            )
        )  # fmt: skip
    stable = diagram.stable_compounds()
    named = np.concatenate([corners, places[stable]])
    figure.add_trace(
        go.Scatter3d(
            x=named[:, 0], y=named[:, 1], z=named[:, 2], mode="text", hoverinfo="skip", showlegend=False,
            text=[*diagram.elements, *(html(formula) for formula in diagram.formulas[stable].tolist())],
            textposition="top center",
        )
    )  # fmt: skip


def _segments(lines: list[Floats], *, width: float, color: str) -> go.Scatter3d:
    """Many straight lines in one trace, with gaps between them."""
    gap = np.full((1, 3), np.nan)
    x, y, z = np.concatenate([np.concatenate([line, gap]) for line in lines] or [gap]).T
    style = {"color": color, "width": width}
    return go.Scatter3d(x=x, y=y, z=z, mode="lines", line=style, hoverinfo="skip", showlegend=False)


def _groups(diagram: Diagram, shown: Booleans) -> list[tuple[Integers, str, dict[str, Any]]]:
    """Rows, name and marker of every kind of phase that is shown; names say how many of how many."""
    above = ~diagram.on_hull
    groups = [
        (
            diagram.dropped,
            "dropped",
            {"symbol": "x-thin", "size": 7, "color": DROPPED, "line": {"color": DROPPED, "width": 1.5}},
        ),
        (diagram.known & above, "known, above the hull", {"symbol": "diamond-open", "size": 7, "color": KNOWN}),
        (diagram.kept & above, "relaxed, above the hull", {"symbol": "circle", "size": 8, "color": KEPT}),
        (diagram.known & diagram.on_hull, "on the hull, known", {"symbol": "circle-open", "size": 12, "color": STABLE}),
        (diagram.new, "on the hull, found", {"symbol": "circle", "size": 12, "color": STABLE}),
    ]
    return [
        (np.flatnonzero(mask & shown), f"{name} {tally(int((mask & shown).sum()), int(mask.sum()))}", marker)
        for mask, name, marker in groups
        if (mask & shown).any()
    ]


def _hover(diagram: Diagram, rows: Integers) -> list[str]:
    """What each phase says when pointed at."""
    places, counts = diagram.polymorphs
    return [
        f"<b>{html(formula)}</b><br>{name}<br>{_energies(formation, above)}{_rank(place, count)}"
        for name, formula, formation, above, place, count in zip(
            diagram.ids[rows].tolist(),
            diagram.formulas[rows].tolist(),
            diagram.formation[rows].tolist(),
            diagram.above_hull[rows].tolist(),
            places[rows].tolist(),
            counts[rows].tolist(),
            strict=True,
        )
    ]


def _energies(formation: float, above: float) -> str:
    if isnan(formation):
        return "no energy"
    return f"formation energy {formation:.4f} eV/atom<br>{MEV_PER_EV * above:.1f} meV/atom above the hull"


def _rank(place: int, count: int) -> str:
    """Which of the phases of its composition it is, from the lowest up; nothing where it is alone."""
    return f"<br>{place} of {count} phases of this composition, lowest first" if count > 1 else ""
