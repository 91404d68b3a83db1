"""Errors and outcomes along the distance from the hull."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics import rolling_error, stability_histogram


def test_windows_by_hand():
    distance = np.asarray([0.0, 0.01, 0.03, 0.2, np.nan])
    error = np.asarray([-0.1, 0.2, 0.3, np.nan, 9.0])
    found = rolling_error(distance, error, start=0.0, stop=0.04, window=0.04, step=0.02)
    np.testing.assert_allclose(found.centers, [0.0, 0.02, 0.04])
    np.testing.assert_allclose(found.mae, [0.15, 0.2, 0.3])
    assert found.counts.tolist() == [2, 3, 1]
    np.testing.assert_allclose(found.standard_error[:2], [0.05, 0.1 / np.sqrt(3)])
    assert np.isnan(found.standard_error[2])
    assert found.inside_the_v.all()
    assert np.isnan(rolling_error(distance, error, start=-1.0, stop=-0.9).mae).all()


def test_both_ends_belong_to_a_window():
    found = rolling_error(np.asarray([-0.25, 0.25]), np.asarray([0.5, 1.5]), start=0.0, stop=0.0, window=0.5, step=1.0)
    assert found.counts.tolist() == [2]
    assert found.mae.tolist() == [1.0]


def test_the_v():
    found = rolling_error(np.asarray([-0.2, 0.0, 0.2]), np.full(3, 0.1), start=-0.2, stop=0.2, step=0.2)
    assert found.inside_the_v.tolist() == [False, True, False]


def test_every_row_is_in_one_of_four():
    rng = np.random.default_rng(2)
    true, predicted = rng.normal(scale=0.1, size=(2, 1000))
    edges = np.linspace(-1, 1, 41)
    found = stability_histogram(true, predicted, along=true, edges=edges)
    parts = [found.true_positives, found.false_negatives, found.false_positives, found.true_negatives]
    np.testing.assert_array_equal(sum(parts), np.histogram(true, edges)[0])
    assert found.true_positives.sum() == ((true <= 0) & (predicted <= 0)).sum()
    assert found.false_positives[: edges.searchsorted(0.0) - 1].sum() == 0


def test_lengths_must_fit():
    with pytest.raises(TableError, match="belong together"):
        rolling_error(np.zeros(2), np.zeros(3))
