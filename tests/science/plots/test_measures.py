"""Funnel, recall, rolling error and histogram draw the numbers that they are given."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.metrics import RecallCurve, discovery_curves, rolling_error, stability_histogram
from aiida_mlhull.science.plots import (
    draw_enrichment,
    draw_funnel,
    draw_precision_recall,
    draw_recall,
    draw_rolling_error,
    draw_stability_histogram,
)


def test_funnel():
    axes = draw_funnel({"candidates": 1000, "relaxed": 400, "on the hull": 7}, title="t").axes[0]
    assert [bar.get_width() for bar in axes.patches] == [1000, 400, 7]
    assert [bar.get_x() + bar.get_width() / 2 for bar in axes.patches] == [0, 0, 0]
    texts = [text.get_text() for text in axes.texts]
    assert "400  (40.0%)" in texts
    assert "on the hull" in texts


def test_recall_curves():
    share = np.linspace(0, 1, 5)
    curve = RecallCurve(np.arange(5), share, share**0.5, share**0.7, 10 * (1 - share), 50 * (1 - share))
    upper, lower = draw_recall({"rounds": curve, "random": curve}).axes
    assert len(upper.lines) == 5
    np.testing.assert_allclose(upper.lines[0].get_xdata(), 100 * share)
    np.testing.assert_allclose(upper.lines[0].get_ydata(), share**0.5)
    np.testing.assert_allclose(lower.lines[0].get_ydata(), 50 * (1 - share))
    assert lower.get_ylim()[0] == 0.0
    assert "meV/atom" in lower.get_ylabel()


def test_rolling_error_with_the_v():
    distance = np.linspace(-0.3, 0.4, 500)
    figure = draw_rolling_error({"model": rolling_error(distance, np.full(500, 0.05))})
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), 0.05)
    assert axes.get_xlim() == pytest.approx((-0.2, 0.3))
    assert "eV/atom" in axes.get_ylabel()


def test_histogram_stacks_all_four():
    rng = np.random.default_rng(0)
    true, predicted = rng.normal(scale=0.1, size=(2, 300))
    found = stability_histogram(true, predicted, along=predicted, edges=np.linspace(-0.5, 0.5, 21))
    axes = draw_stability_histogram(found).axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == 300
    assert axes.get_xlabel() == "Predicted energy above hull (eV/atom)"


def test_precision_over_recall():
    above = np.linspace(0, 0.1, 50)
    axes = draw_precision_recall(discovery_curves(np.arange(50)[::-1], above)).axes[0]
    curve, prevalence = axes.lines[:2]
    assert curve.get_xdata()[-1] == 1.0
    assert curve.get_ydata()[-1] == prevalence.get_ydata()[0] == 1 / 50
    assert (curve.get_ydata()[:-1] == 0).all()


def test_enrichment_beside_the_best_order():
    above = np.linspace(0, 0.1, 50)
    axes = draw_enrichment(discovery_curves(np.arange(50), above)).axes[0]
    for curve, best in zip(axes.lines[0:8:2], axes.lines[1:8:2], strict=True):
        np.testing.assert_allclose(curve.get_ydata(), best.get_ydata())
    assert [text.get_text() for text in axes.get_legend().get_texts()][:2] == [
        "on the hull (1)",
        "within 10 meV/atom (5)",
    ]
