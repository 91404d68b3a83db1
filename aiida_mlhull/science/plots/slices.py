"""Pictures of reaction hulls: the slice between two reactants, its kinks, and the target among them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aiida_mlhull.science.hull.phase_space import PhaseSpace
from aiida_mlhull.science.hull.reactions.slices import Slice
from aiida_mlhull.science.plots.style import ACCENTS, DROPPED, LINE, STABLE, html, mathtext
from aiida_mlhull.science.tables import text
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.units import MEV_PER_EV

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REACTION_AXIS: Final = "Reaction energy (meV/atom)"
SMALL: Final = (6.4, 4.2)


@dataclass(frozen=True, eq=False)
class SlicePicture:
    """What is drawn of a slice.

    Attributes:
        names: formulas of the two ends.
        x: (m,) share of the atoms from the second end.
        energies: (m,) meV/atom, reaction energies.
        products: (m,) formulas at each kink.
        target: kinks that hold the target.
    """

    names: tuple[str, str]
    x: Floats
    energies: Floats
    products: tuple[tuple[str, ...], ...]
    target: tuple[int, ...]

    def as_table(self) -> str:
        """The same in words, one line per kink."""
        rows = [
            (f"{x:.4f}", f"{energy:.1f}", " + ".join(names) + ("   <- target" if i in self.target else ""))
            for i, (x, energy, names) in enumerate(zip(self.x, self.energies, self.products, strict=True))
        ]
        return text.table((f"x({self.names[1]})", "meV/atom", "phases"), rows)


def slice_picture(space: PhaseSpace, line: Slice, names: tuple[str, str], *, target: int | None = None) -> SlicePicture:
    """What to draw of a slice.

    Args:
        space: that it was cut through.
        line: the slice.
        names: of the reactants.
        target: row of the target, if there is one.
    """
    rows = [sorted(line.products(i)) for i in range(len(line))]
    products = tuple(tuple(str(space.formulas[row]) for row in kink) for kink in rows)
    holding = tuple(i for i, kink in enumerate(rows) if target in kink)
    return SlicePicture(names, line.x, MEV_PER_EV * line.reaction_energies, products, holding)


def draw_slice(picture: SlicePicture) -> Figure:
    """The picture on paper."""
    from matplotlib.figure import Figure  # noqa: PLC0415  (slow import)

    figure = Figure(figsize=SMALL, layout="constrained")
    axes = figure.subplots()
    axes.axhline(0.0, color=DROPPED, linewidth=0.8)
    axes.plot(picture.x, picture.energies, "o-", color=LINE, markersize=4, linewidth=1.2)
    chosen = list(picture.target)
    axes.plot(picture.x[chosen], picture.energies[chosen], "o", color=STABLE, markersize=9)
    for i in range(1, len(picture.x) - 1):
        slope = picture.energies[i + 1] - picture.energies[i - 1]
        axes.annotate(
            " + ".join(map(mathtext, picture.products[i])),
            (picture.x[i], picture.energies[i]),
            xytext=(0, -14),
            textcoords="offset points",
            ha="left" if slope > 0 else "right",
            fontsize=8,
            color=STABLE if i in picture.target else LINE,
        )
    axes.set_xlim(-0.02, 1.02)
    low = float(np.min(picture.energies, initial=-1.0))
    axes.set_ylim(low * 1.25, max(-low * 0.08, 1.0))
    axes.set_xticks([0.0, 1.0], [mathtext(name) for name in picture.names])
    axes.set_ylabel(REACTION_AXIS)
    return figure


def interactive_slice(picture: SlicePicture) -> Any:
    """The picture to point at: every kink says what is there, plotly."""
    import plotly.graph_objects as go  # noqa: PLC0415  (slow import)

    words = [" + ".join(map(html, names)) for names in picture.products]
    colors = [STABLE if i in picture.target else ACCENTS[0] for i in range(len(words))]
    trace = go.Scatter(
        x=picture.x,
        y=picture.energies,
        mode="lines+markers",
        line={"color": LINE},
        marker={"color": colors, "size": [12 if i in picture.target else 8 for i in range(len(words))]},
        text=words,
        hovertemplate="%{text}<br>x = %{x:.4f}<br>%{y:.1f} meV/atom<extra></extra>",
    )
    figure = go.Figure(trace)
    figure.update_layout(
        xaxis={"tickvals": [0, 1], "ticktext": [html(name) for name in picture.names]},
        yaxis={"title": REACTION_AXIS},
        template="simple_white",
    )
    return figure


def write_slice(picture: SlicePicture, path: Path) -> None:
    """Write the picture as ``.html``, ``.png``, ``.pdf`` or ``.svg``."""
    if path.suffix == ".html":
        interactive_slice(picture).write_html(path, include_plotlyjs="cdn")
    else:
        draw_slice(picture).savefig(path, dpi=200)
