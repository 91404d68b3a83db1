"""Pictures of spreads draw the numbers that they are given."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics import StatedErrors, confidence_curve, stated
from aiida_mlhull.science.plots import (
    draw_calibration,
    draw_confidence,
    draw_parity,
    draw_parts,
    draw_quantiles,
    draw_z_scores,
)
from aiida_mlhull.science.types import Crystals, Labels, Predictions


@pytest.fixture
def said():
    rng = np.random.default_rng(3)
    sigma = rng.uniform(0.05, 0.2, 400)
    return {
        "right": StatedErrors(sigma * rng.standard_normal(400), 0.8 * sigma, 0.6 * sigma),
        "small": StatedErrors(2 * sigma * rng.standard_normal(400), 0.8 * sigma, 0.6 * sigma),
    }


def labels_of(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_calibration(said):
    axes = draw_calibration(said, title="t").axes[0]
    assert axes.get_title() == "t"
    right, small = axes.lines[:2]
    assert len(right.get_xdata()) == 402
    assert small.get_ydata()[200] == 200 / 400
    assert labels_of(axes)[1].startswith("small, area 0.")


def test_z_scores(said):
    axes = draw_z_scores(said).axes[0]
    assert sum(bar.get_height() * bar.get_width() for bar in axes.patches) == pytest.approx(2.0)
    widths = [float(label.rpartition(" ")[2]) for label in labels_of(axes) if "width" in label]
    assert widths == [pytest.approx(1.0, abs=0.1), pytest.approx(2.0, abs=0.2)]


def test_quantiles(said):
    line = draw_quantiles(said).axes[0].lines[1]
    z = np.sort(said["small"].errors / said["small"].sigma)
    np.testing.assert_allclose(line.get_ydata(), z)


def test_confidence(said):
    curve = confidence_curve(said["right"].errors, said["right"].sigma, orders=20)
    axes = draw_confidence({"right": curve}, unit="eV").axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), curve.by_sigma)
    np.testing.assert_allclose(axes.lines[1].get_ydata(), curve.oracle)
    assert "(eV)" in axes.get_ylabel()


def test_parts(said):
    axes = draw_parts(said).axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == 800
    ratio = np.log10(0.8 / 0.6)
    filled = [bar for bar in axes.patches if bar.get_height() > 0]
    assert all(bar.get_x() <= ratio <= bar.get_x() + bar.get_width() for bar in filled)


def test_predictions_against_labels():
    ids, cells = ["a", "b", "c"], Crystals.from_lists([np.eye(3) * 4] * 3, [[3], [4], [5]], [[0, 0, 0]] * 3)
    labels = Labels.from_rows(
        ids=ids, formulas=["Li", "Be", "B"], energies=np.asarray([1.0, np.nan, 3.0]), crystals=cells,
        failures=["", "x_lost", ""], core_minutes=np.zeros(3), stage="final", engine="by hand", scheme="",
    )  # fmt: skip
    asked = Predictions.from_rows(
        ids=["c", "b"],
        formulas=["B", "Be"],
        members=np.asarray([[3.5, 4.5], [0.0, 0.0]]),
        member_aleatoric=np.full((2, 2), 0.3),
    )
    found = stated(asked, labels)
    np.testing.assert_allclose([found.errors[0], found.aleatoric[0], found.epistemic[0]], [1.0, 0.3, 0.5])
    assert len(found) == 1
    with pytest.raises(TableError, match="none of the predicted rows"):
        stated(asked.take([0]), labels)


def test_parity_colors_bins_by_the_mean_spread_of_their_rows():
    true, predicted = np.asarray([0.0, 0.1, 4.0, 0.05]), np.asarray([0.0, 0.0, 1.5, 4.0])
    sigma = np.asarray([0.1, 0.3, 0.5, 0.7])
    axes = draw_parity(true, predicted, sigma, unit="eV", bins=4).axes[0]
    drawn = axes.collections[0].get_array()  # rows along the predicted axis
    expected = np.full((4, 4), np.nan)
    expected[0, 0], expected[1, 3], expected[3, 0] = 0.2, 0.5, 0.7
    np.testing.assert_allclose(np.ma.filled(np.asarray(drawn, dtype=float).reshape(4, 4), np.nan), expected)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("True (eV)", "Predicted (eV)")
