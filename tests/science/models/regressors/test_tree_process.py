"""Trees and process together: there and back through arrays, spreads that fit, outliers that don't count."""

from __future__ import annotations

import json

import numpy as np
import pytest

from aiida_mlhull.science.models.regressors.tree_process import TreeProcess

COMPOSITIONAL = np.asarray([True, False, False, False])


def fit(columns, targets, **changes):
    arguments = {
        "compositional": COMPOSITIONAL,
        "share": 0.5,
        "forest": {"trees": 15, "max_features": 0.5, "min_samples_leaf": 1},
        "process_rows": 500,
        "tuning_rows": 80,
        "seed": 3,
    }
    return TreeProcess.fit(columns, targets, **(arguments | changes))


@pytest.fixture(scope="module")
def data():
    """A smooth function with some noise."""
    rng = np.random.default_rng(8)
    columns = rng.uniform(-1, 1, size=(400, 4))
    targets = np.sin(2 * columns[:, 0]) + columns[:, 1] + 0.1 * rng.normal(size=400)
    return columns, targets


@pytest.fixture(scope="module")
def pair(data):
    columns, targets = data
    return fit(columns[:200], targets[:200]).calibrated(columns[200:250], targets[200:250])


def test_there_and_back_predicts_the_same_bits(pair, data):
    again = TreeProcess.from_parts(pair.arrays(), json.loads(json.dumps(pair.facts())))
    for ours, theirs in zip(pair.predict(data[0]), again.predict(data[0]), strict=True):
        assert np.array_equal(ours, theirs)


def test_parts_of_another_kind_are_no_pair(pair):
    with pytest.raises(KeyError):
        TreeProcess.from_parts(pair.arrays(), {})


def test_spreads_are_as_wide_as_the_errors(pair, data):
    columns, targets = data
    means, spreads = pair.predict(columns[200:250])
    ratio = np.sqrt(2) * np.mean(np.abs(means - targets[200:250]) / spreads)
    assert ratio == pytest.approx(1.0)
    unseen, their_spreads = pair.predict(columns[250:])
    scores = (unseen - targets[250:]) / their_spreads
    assert 0.6 < np.sqrt(np.mean(np.square(scores))) < 1.6


def test_spreads_grow_away_from_what_is_known(pair, data):
    columns, _ = data
    _, near = pair.predict(columns[250:])
    _, far = pair.predict(columns[250:] + 10.0)
    assert far.mean() > 1.1 * near.mean()


def test_a_row_that_was_learned_is_not_certain(pair, data):
    _, spreads = pair.predict(data[0][:200])
    assert spreads.min() >= pair.scale * pair.factor * pair.floor
    assert pair.floor > 0


def test_the_share_is_of_the_trees(data):
    columns, targets = data
    trees, process, both = (fit(columns[:200], targets[:200], share=share) for share in (1.0, 0.0, 0.25))
    mixed = 0.25 * trees.predict(columns)[0] + 0.75 * process.predict(columns)[0]
    np.testing.assert_allclose(both.predict(columns)[0], mixed, atol=1e-12)


def test_an_outlier_is_brought_to_the_border(data):
    columns, targets = data
    broken = targets[:200].copy()
    broken[0] = 1e6
    assert fit(columns[:200], broken).scale < 2 * fit(columns[:200], targets[:200]).scale


def test_equal_targets(data):
    columns, _ = data
    pair = fit(columns[:50], np.full(50, -2.5))
    means, spreads = pair.calibrated(columns[50:60], np.full(10, -2.5)).predict(columns)
    np.testing.assert_allclose(means, -2.5)
    assert np.isfinite(spreads).all()
