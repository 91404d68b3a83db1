"""How far stated spreads can be believed: one picture for each question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from aiida_mlhull.science.metrics.confidence import ConfidenceCurve, confidence_curve
from aiida_mlhull.science.metrics.stated import StatedErrors
from aiida_mlhull.science.metrics.uncertainty import (
    calibration_curve,
    log_ratios,
    miscalibration_area,
    quantile_pairs,
    z_scores,
)
from aiida_mlhull.science.plots.style import ACCENTS, DROPPED, LINE
from aiida_mlhull.science.types.crystals import Floats

_WIDEST_Z: Final = 5.0


def draw_z_scores(stated: Mapping[str, StatedErrors], *, title: str = "") -> Figure:
    """Histograms of z beside the standard normal density that they should have; beyond ±5 in the last bars."""
    figure, axes = _paper(title)
    edges = np.linspace(-_WIDEST_Z, _WIDEST_Z, 41)
    for color, (name, said) in zip(_colors(stated), stated.items(), strict=False):
        scores = z_scores(said.errors, said.sigma)
        z = np.clip(scores, -_WIDEST_Z, _WIDEST_Z)
        axes.hist(
            z, bins=edges.tolist(), density=True, color=color, alpha=0.45, label=f"{name}, width {scores.std():.2f}"
        )
    grid = np.linspace(-_WIDEST_Z, _WIDEST_Z, 201)
    axes.plot(grid, np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi), color=LINE, linewidth=1.2, label="standard normal")
    axes.set_xlabel("Error in units of σ")
    axes.set_ylabel("Density")
    axes.legend(frameon=False)
    return figure


def draw_calibration(stated: Mapping[str, StatedErrors], *, title: str = "") -> Figure:
    """Share of rows within the central interval of every level; on the diagonal, σ is right."""
    figure, axes = _paper(title, square=True)
    for color, (name, said) in zip(_colors(stated), stated.items(), strict=False):
        levels, shares = calibration_curve(said.errors, said.sigma)
        area = miscalibration_area(said.errors, said.sigma)
        axes.step(levels, shares, where="post", color=color, label=f"{name}, area {area:.3f}")
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=0.8, linestyle="--")
    axes.text(0.03, 0.8, "σ too large", color="#555555", fontsize=9)
    axes.text(0.97, 0.3, "σ too small", color="#555555", fontsize=9, ha="right")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="Level of the interval", ylabel="Share of rows within it")
    axes.legend(frameon=False, loc="lower right")
    return figure


def draw_quantiles(stated: Mapping[str, StatedErrors], *, title: str = "") -> Figure:
    """Quantiles of z against those of a standard normal distribution: tails show at the ends."""
    figure, axes = _paper(title, square=True)
    reach = 3.0
    for color, (name, said) in zip(_colors(stated), stated.items(), strict=False):
        normal, z = quantile_pairs(said.errors, said.sigma)
        axes.plot(normal, z, ".", markersize=3, color=color, label=name)
        reach = max(reach, float(np.abs(normal).max()))
    axes.axline((0.0, 0.0), slope=1.0, color=LINE, linewidth=0.8, linestyle="--")
    axes.set(xlim=(-reach, reach), xlabel="Standard normal quantile", ylabel="Quantile of error / σ")
    axes.legend(frameon=False)
    return figure


def draw_confidence(curves: Mapping[str, ConfidenceCurve], *, unit: str = "eV/atom", title: str = "") -> Figure:
    """Error of the rows that are left after dropping the least certain; between chance and the oracle."""
    figure, axes = _paper(title)
    for color, (name, curve) in zip(_colors(curves), curves.items(), strict=False):
        label = f"{name}, ranking {curve.ranking:.2f}"
        axes.plot(curve.dropped, curve.by_sigma, color=color, linewidth=1.8, label=label)
        axes.plot(curve.dropped, curve.oracle, color=color, linewidth=0.9, linestyle=":")
        axes.fill_between(curve.dropped, *curve.band, color=DROPPED, alpha=0.25, linewidth=0)
        axes.plot(curve.dropped, curve.random, color=DROPPED, linewidth=0.9)
    axes.plot([], [], color=LINE, linewidth=0.9, linestyle=":", label="dropped by true error")
    axes.plot([], [], color=DROPPED, linewidth=4, alpha=0.5, label="random orders, 5 to 95 %")
    axes.set(xlim=(0, 1), xlabel="Share of rows dropped, largest σ first", ylabel=f"MAE of the rest ({unit})")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return figure


def draw_parts(stated: Mapping[str, StatedErrors], *, title: str = "") -> Figure:
    """Histograms of log10(σ_a / σ_e): what is noise, and what more labels would cure."""
    figure, axes = _paper(title)
    ratios = {name: log_ratios(said.aleatoric, said.epistemic) for name, said in stated.items()}
    known = {name: found[np.isfinite(found)] for name, found in ratios.items()}
    everything = np.concatenate([*known.values(), [0.0]])
    edges = np.linspace(everything.min() - 0.05, everything.max() + 0.05, 41).tolist()
    for color, (name, found) in zip(_colors(stated), known.items(), strict=False):
        axes.hist(found, bins=edges, color=color, alpha=0.5, label=name)
    axes.axvline(0.0, color=LINE, linewidth=0.8, linestyle="--")
    axes.set(xlabel="log10(aleatoric / epistemic spread)", ylabel="Rows")
    axes.legend(frameon=False)
    return figure


def draw_parity(
    true: Floats, predicted: Floats, sigma: Floats, *, unit: str = "eV/atom", bins: int = 60, title: str = ""
) -> Figure:
    """Predicted over true values as a histogram in two dimensions, each bin colored by the mean σ of its rows.

    Args:
        true: (n,).
        predicted: (n,).
        sigma: (n,) stated spreads.
        unit: of all three.
        bins: along each axis.
        title: above the picture.
    """
    figure, axes = _paper(title, square=True)
    both = np.concatenate([true, predicted])
    edges = np.linspace(both.min(), both.max() + 1e-9, bins + 1)
    counts = np.histogram2d(true, predicted, bins=(edges, edges))[0]
    sums = np.histogram2d(true, predicted, bins=(edges, edges), weights=sigma)[0]
    mean = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    drawn = axes.pcolormesh(edges, edges, mean.T, cmap="viridis", rasterized=True)
    figure.colorbar(drawn, ax=axes, shrink=0.8, label=f"Mean σ ({unit})")
    axes.axline((0.0, 0.0), slope=1.0, color=LINE, linewidth=0.8, linestyle="--")
    axes.set(xlim=edges[[0, -1]], ylim=edges[[0, -1]], xlabel=f"True ({unit})", ylabel=f"Predicted ({unit})")
    axes.set_aspect("equal")
    return figure


def spread_figures(stated: Mapping[str, StatedErrors], *, unit: str) -> dict[str, Figure]:
    """One picture for each question, by file name."""
    curves = {name: confidence_curve(one.errors, one.sigma) for name, one in stated.items()}
    return {
        "calibration": draw_calibration(stated),
        "z_scores": draw_z_scores(stated),
        "quantiles": draw_quantiles(stated),
        "confidence": draw_confidence(curves, unit=unit),
        "parts": draw_parts(stated),
    }


def _paper(title: str, *, square: bool = False) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.4, 5.2) if square else (7.2, 4.6), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    if title:
        axes.set_title(title)
    return figure, axes


def _colors(named: Mapping[str, object]) -> list[str]:
    return list(ACCENTS) * (len(named) // len(ACCENTS) + 1)
