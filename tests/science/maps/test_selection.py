"""The best of every cluster of every family."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.maps.selection import select_best


def two_branches(n=10):
    """A branch with long axes and low values beside one with short axes and high ones."""
    rng = np.random.default_rng(0)
    short = np.column_stack([rng.normal(3.8, 0.005, n), rng.normal(9.0, 0.02, n)])
    long = np.column_stack([rng.normal(3.9, 0.005, n), rng.normal(9.6, 0.02, n)])
    return np.concatenate([short, long]), np.concatenate([np.arange(n) + 100.0, np.arange(n) + 10.0])


def test_the_lower_branch_is_seen_beside_the_one_that_holds_the_record():
    features, values = two_branches()
    found = select_best(features, values, ["A"] * 20)
    assert np.flatnonzero(found.chosen).tolist() == [8, 9, 18, 19]
    assert found.clusters.tolist() == [0] * 10 + [1] * 10  # by ascending centers, whatever k-means called them


def test_a_fifth_but_two_at_least():
    features, values = two_branches(13)
    assert select_best(features, values, ["A"] * 26).chosen.sum() == 2 * 2  # 13 // 5
    assert select_best(features, values, ["A"] * 26, one_in=3).chosen.sum() == 2 * 4
    assert select_best(features[:2], values[:2], ["A"] * 2).chosen.all()  # two clusters of one row


def test_families_do_not_compete():
    features, values = two_branches()
    twice = select_best(np.tile(features, (2, 1)), np.concatenate([values, values - 50]), ["A"] * 20 + ["B"] * 20)
    assert twice.chosen[:20].tolist() == twice.chosen[20:].tolist()


def test_ties_are_told():
    found = select_best(np.ones((6, 1)), np.asarray([5.0, 7.0, 5.0, 5.0, 1.0, 7.0]), ["A"] * 6, clusters=1, at_least=3)
    assert found.chosen.tolist() == [True, True, False, False, False, True]  # the first in the table
    assert found.tied.tolist() == [False, False, True, True, False, False]


def test_rows_without_values_are_never_chosen():
    features, values = two_branches()
    values[9], features[8, 0] = np.nan, np.inf
    found = select_best(features, values, ["A"] * 20)
    assert not found.chosen[8:10].any()
    assert found.clusters[8:10].tolist() == [-1, -1]


@given(st.integers(1, 40), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_nothing_better_is_left_behind_in_a_cluster(n, seed):
    rng = np.random.default_rng(seed)
    features, values = rng.integers(0, 4, (n, 2)).astype(float), rng.integers(0, 9, n).astype(float)
    found = select_best(features, values, ["A"] * n, seed=seed)
    for cluster in range(found.clusters.max() + 1):
        here = found.clusters == cluster
        assert found.chosen[here].sum() == min(here.sum(), max(2, here.sum() // 5))
        left = values[here & ~found.chosen]
        assert left.max(initial=-1.0) <= values[here & found.chosen].min()


def test_columns_that_do_not_fit_together_are_refused():
    with pytest.raises(TableError, match="fit together"):
        select_best(np.zeros((3, 2)), np.zeros(2), ["A"] * 3)
