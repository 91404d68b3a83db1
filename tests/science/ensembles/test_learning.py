"""Learning curves of forests on real compositions."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.ensembles import EnsembleSettings
from aiida_mlhull.science.ensembles.learning import learning_curve, split_rows
from aiida_mlhull.science.errors import TooFewLabelsError
from aiida_mlhull.science.plots import draw_learning_curves
from tests.science.real_crystals import pnictides

FOREST = EnsembleSettings(
    model="magpie_forest", model_settings={"trees": 20}, members=1, loss="l1", volume_scaling=False
)


@pytest.fixture(scope="module")
def rows():
    return pnictides()


def test_errors_fall_and_the_same_seed_gives_the_same_curve(rows):
    curve = learning_curve(rows, FOREST, sizes=[160, 20, 80], repeats=2, seed=4)
    assert curve.sizes.tolist() == [20, 80, 160]
    assert curve.mae.shape == curve.rmse.shape == (3, 2)
    assert curve.mae[2].mean() < curve.mae[0].mean()
    assert (curve.rmse >= curve.mae).all()
    again = learning_curve(rows, FOREST, sizes=[80], repeats=2, seed=4)
    np.testing.assert_array_equal(again.mae[0], curve.mae[1])


def test_formulas_stay_on_one_side(rows):
    learned, test = split_rows(rows, share=0.25, by="formula", seed=1)
    assert sorted([*learned, *test]) == list(range(len(rows)))
    assert not set(rows.formulas[learned]) & set(rows.formulas[test])
    assert len(test) >= 0.25 * len(rows)
    by_row = split_rows(rows, share=0.25, by="row", seed=1)
    assert set(rows.formulas[by_row[0]]) & set(rows.formulas[by_row[1]])
    assert len(by_row[1]) == round(0.25 * len(rows))


def test_sizes_that_can_not_be_had(rows):
    with pytest.raises(TooFewLabelsError, match="too few"):
        learning_curve(rows, FOREST, sizes=[5])
    with pytest.raises(TooFewLabelsError, match="rows are left to learn from, but 100000"):
        learning_curve(rows, FOREST, sizes=[100_000])


def test_the_picture_has_a_line_for_every_curve(rows):
    curve = learning_curve(rows, FOREST, sizes=[20, 80], seed=4)
    axes = draw_learning_curves({"forest": curve, "again": curve}, unit="eV", title="t").axes[0]
    assert [text.get_text().split(",")[0] for text in axes.get_legend().get_texts()] == ["forest", "again"]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), curve.mae.ravel())
    assert axes.get_xscale() == axes.get_yscale() == "log"
