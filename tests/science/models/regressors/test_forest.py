"""Flat trees against scikit-learn's own prediction."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from aiida_mlhull.science.models.regressors.forest import Forest


@pytest.fixture(params=[1, 3])
def grown(request):
    rng = np.random.default_rng(2)
    rows = np.concatenate([rng.normal(size=(200, 5)), rng.integers(0, 3, size=(200, 2))], axis=1)
    targets = np.sin(3 * rows[:, 0]) + rows[:, 5] * rows[:, 1]
    forest = ExtraTreesRegressor(20, max_features=0.5, min_samples_leaf=request.param, random_state=0)
    return forest.fit(rows, targets), rows, targets


def test_equal_to_sklearn_tree_by_tree(grown):
    forest, rows, _ = grown
    asked = np.concatenate([rows, np.random.default_rng(3).normal(size=(300, 7))])
    ours = Forest.from_sklearn(forest).predict(asked)
    theirs = np.column_stack([tree.predict(asked) for tree in forest.estimators_])
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ours.mean(axis=1), forest.predict(asked), rtol=1e-6, atol=1e-6)


def test_values_on_a_threshold_go_the_same_way(grown):
    forest, rows, _ = grown
    thresholds = np.concatenate([tree.tree_.threshold[tree.tree_.feature == 0] for tree in forest.estimators_])
    asked = np.tile(rows[0], (len(thresholds), 1))
    asked[:, 0] = thresholds
    ours = Forest.from_sklearn(forest).predict(asked)
    theirs = np.column_stack([tree.predict(asked) for tree in forest.estimators_])
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def test_fit_is_sklearns(grown):
    _, rows, targets = grown
    ours = Forest.fit(rows, targets, trees=7, max_features=0.5, min_samples_leaf=2, seed=9)
    theirs = ExtraTreesRegressor(7, max_features=0.5, min_samples_leaf=2, random_state=9).fit(rows, targets)
    np.testing.assert_allclose(ours.predict(rows).mean(axis=1), theirs.predict(rows), rtol=1e-6, atol=1e-6)
    assert len(ours.roots) == 7


def test_a_tree_of_one_leaf():
    forest = Forest.fit(np.zeros((4, 2)), np.ones(4), trees=2, max_features=1.0, min_samples_leaf=1, seed=0)
    assert forest.predict(np.zeros((3, 2))).tolist() == [[1.0, 1.0]] * 3
