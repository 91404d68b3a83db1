"""ROC and accuracies against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, roc_auc_score

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics.classes import accuracies, roc


@given(st.integers(0, 10_000), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_area_is_scikit_learns(seed, decimals):
    rng = np.random.default_rng(seed)
    truth = np.append(rng.random(30) < 0.4, [True, False])
    scores = np.round(rng.random(32) + 0.3 * truth, decimals)  # few decimals: many ties
    curve = roc(scores, truth)
    assert curve.area == pytest.approx(roc_auc_score(truth, scores))
    assert (np.diff(curve.thresholds) < 0).all()
    assert (curve.false_positive_rates[[0, -1]] == [0, 1]).all()
    assert (curve.true_positive_rates[[0, -1]] == [0, 1]).all()


def test_a_curve_by_hand():
    curve = roc(np.asarray([0.9, 0.8, 0.8, 0.1]), np.asarray([True, True, False, False]))
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.1]
    assert curve.true_positive_rates.tolist() == [0, 0.5, 1, 1]
    assert curve.false_positive_rates.tolist() == [0, 0, 0.5, 1]
    assert curve.area == pytest.approx(0.875)


def test_accuracies_are_scikit_learns():
    rng = np.random.default_rng(4)
    classes, probabilities = rng.integers(0, 3, 50), rng.dirichlet(np.ones(3), 50)
    found = accuracies(probabilities, classes)
    chosen = probabilities.argmax(axis=1)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(classes, chosen))
    assert found.accuracy == pytest.approx((classes == chosen).mean())
    assert found.balanced == pytest.approx(balanced_accuracy_score(classes, chosen))


def test_a_class_without_rows_counts_for_nothing():
    found = accuracies(np.eye(3)[[0, 0, 1]], np.asarray([0, 1, 1]))
    np.testing.assert_allclose(found.by_class, [1, 0.5, np.nan])
    assert found.balanced == pytest.approx(0.75)


def test_what_can_not_be_scored_is_refused():
    with pytest.raises(TableError, match="no curve"):
        roc(np.zeros(3), np.ones(3, dtype=bool))
    with pytest.raises(TableError, match="don't fit"):
        accuracies(np.eye(2), np.asarray([0, 2]))
    with pytest.raises(TableError, match="don't fit"):
        accuracies(np.empty((0, 2)), np.empty(0, dtype=np.int64))
