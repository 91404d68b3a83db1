"""Pictures of strain: bonds and energies against it, and which strain brings which crystal to the hull."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from aiida_mlhull.science.plots.maps import FAMILY_COLORS, MARKERS
from aiida_mlhull.science.plots.style import LINE
from aiida_mlhull.science.strain.grid import StrainSettings
from aiida_mlhull.science.strain.response import StrainResponse
from aiida_mlhull.science.units import MEV_PER_EV

PERCENT: Final = 100.0


def draw_strain(found: Sequence[StrainResponse], settings: StrainSettings, *, title: str = "") -> Figure:
    """Films' energies (above the hull where there is one) and, of the first crystal, bonds against strain.

    Args:
        found: responses.
        settings: of the grid.
        title: above the picture.
    """
    figure = Figure(figsize=(10.6, 4.2), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _energies(left, found, settings)
    _bonds(right, found[0], settings)
    if title:
        figure.suptitle(title)
    return figure


def _energies(axes: Axes, found: Sequence[StrainResponse], settings: StrainSettings) -> None:
    strains = PERCENT * np.asarray(settings.ab)
    hull = all(response.e_above_hull is not None for response in found)
    hollow = False
    for number, response in enumerate(found):
        origin = response.film[settings.ab.index(0.0)]
        values = response.e_above_hull if hull and response.e_above_hull is not None else response.film - origin
        axes.plot(
            strains, MEV_PER_EV * values, marker=MARKERS[number % len(MARKERS)], markersize=4.5, linewidth=1.2,
            color=FAMILY_COLORS[number % len(FAMILY_COLORS)], label=f"{response.formula}, {response.name}",
        )  # fmt: skip
        fewer = response.competitors < max(int(one.competitors.max()) for one in found)
        if hull and fewer.any():
            axes.plot(
                strains[fewer], MEV_PER_EV * values[fewer], MARKERS[number % len(MARKERS)], markersize=3, color="white"
            )
            hollow = True
    if hull:
        axes.axhline(0.0, color=LINE, linewidth=0.8, linestyle="--")
    axes.set_xlabel("Strain of the plane (%)")
    axes.set_ylabel("Energy above the competitors' hull (meV/atom)" if hull else "Energy of strain (meV/atom)")
    if hollow:
        axes.plot(
            [], [], "o", markersize=4.5, markerfacecolor="white", color=LINE, label="a competitor's grid ends before"
        )
    axes.legend(frameon=False, fontsize=8)


def _bonds(axes: Axes, response: StrainResponse, settings: StrainSettings) -> None:
    """Relative changes of bonds: in full along the varied normal at fixed plane, dashed along the plane."""
    ab, c = settings.ab.index(0.0), settings.c.index(0.0)
    for number, bond in enumerate(response.bonds):
        color = FAMILY_COLORS[number % len(FAMILY_COLORS)]
        label = bond.name
        for strains, lengths, style in (
            (settings.ab, bond.lengths[:, c], "o--"),
            (settings.c, bond.lengths[ab, :], "s-"),
        ):
            if len(strains) > 1:
                axes.plot(
                    PERCENT * np.asarray(strains),
                    lengths,
                    style,
                    markersize=3.5,
                    linewidth=1.1,
                    color=color,
                    label=label,
                )
                label = "_nolegend_"
    axes.plot([], [], "o--", color=LINE, markersize=3.5, linewidth=1.1, label="plane strained")
    if len(settings.c) > 1:
        axes.plot([], [], "s-", color=LINE, markersize=3.5, linewidth=1.1, label="normal strained")
    axes.set_xlabel("Strain (%)")
    axes.set_ylabel(f"Bonds of {response.name} (Å)")
    axes.legend(frameon=False, fontsize=7.5, loc="upper left", bbox_to_anchor=(1.0, 1.0))
