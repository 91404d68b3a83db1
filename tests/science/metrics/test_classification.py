"""Sorting scores against published counts and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, r2_score, recall_score

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics import Confusion, confusion, errors, on_fixed_hull

# matbench-discovery's leaderboard (MIT), full test set: counts and the rates printed beside them
PUBLISHED = {
    "AlchemBERT": ((28937, 59830, 153041, 15155), (0.436, 1.9, 0.326, 0.656, 0.708, 0.281)),
    "ALIGNN": ((28598, 28464, 184407, 15494), (0.565, 2.921, 0.501, 0.649, 0.829, 0.134)),
    "Allegro-MP-L": ((35671, 16330, 196541, 8421), (0.742, 3.998, 0.686, 0.809, 0.904, 0.077)),
}


@pytest.mark.parametrize("model", PUBLISHED)
def test_rates_are_those_of_the_leaderboard(model):
    counts, printed = PUBLISHED[model]
    ours = Confusion(*counts)
    rates = (ours.f1, ours.acceleration, ours.precision, ours.recall, ours.accuracy, ours.false_positive_rate)
    assert rates == pytest.approx(printed, abs=6e-4)


def test_counts_by_hand_with_both_conventions():
    true = np.asarray([-0.1, 0.0, 0.1, 0.2, 0.0])
    predicted = np.asarray([0.0, np.nan, -0.1, 0.3, 0.1])
    assert confusion(true, predicted) == Confusion(1, 1, 1, 2)
    assert confusion(true, predicted, strict=True) == Confusion(0, 1, 3, 1)
    assert confusion(true, predicted, threshold=0.1) == Confusion(3, 0, 1, 1)


def test_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    true, predicted = rng.normal(size=(2, 500))
    found = confusion(true, predicted)
    assert found.precision == pytest.approx(precision_score(true <= 0, predicted <= 0))
    assert found.recall == pytest.approx(recall_score(true <= 0, predicted <= 0))
    assert found.f1 == pytest.approx(f1_score(true <= 0, predicted <= 0))
    assert errors(true, predicted).r2 == pytest.approx(r2_score(true, predicted))


def test_errors_leave_missing_predictions_out():
    found = errors(np.asarray([0.0, 1.0, 2.0]), np.asarray([0.5, np.nan, 1.0]))
    assert (found.mae, found.rmse, found.missing) == (0.75, pytest.approx(np.sqrt(0.625)), 1)
    assert np.isnan(errors(np.zeros(1), np.asarray([np.nan])).mae)


def test_rates_without_rows_are_nan():
    assert np.isnan(Confusion(0, 0, 5, 0).precision)
    assert np.isnan(Confusion(0, 3, 5, 0).acceleration)


def test_fixed_hull_moves_the_distance_by_the_error():
    assert on_fixed_hull(np.asarray([0.1]), np.asarray([-5.0]), np.asarray([-5.2]))[0] == pytest.approx(-0.1)


def test_truth_must_be_complete():
    with pytest.raises(TableError, match="missing"):
        confusion(np.asarray([np.nan]), np.zeros(1))
    with pytest.raises(TableError, match="belong together"):
        errors(np.zeros(2), np.zeros(1))
