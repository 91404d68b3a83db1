"""Factors that bring spreads to the size of errors, from rows that members didn't learn from."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from aiida_mlhull.science.ensembles.calibrate import (
    SCORE,
    calibrate,
    conformal_quantile,
    note,
    out_of_member,
    scaled_spreads,
)
from aiida_mlhull.science.types import MemberWeights


def member(ids, targets, means, spreads=None, mse=1.0):
    columns = (np.asarray(column, dtype=np.float64) for column in (targets, means))
    own = None if spreads is None else np.asarray(spreads, dtype=np.float64)
    scores = {"validation_mse": mse, SCORE: note(np.asarray(ids), *columns, own)}
    return MemberWeights({}, {}, scores, 0)


def test_rows_are_joined_over_the_members_that_have_not_learned_from_them():
    held = out_of_member(
        [
            member(["b", "a"], [2.0, 1.0], [2.5, 1.5], [0.3, 0.4]),
            member(["b"], [2.0], [3.5], [0.4]),
            member(["c"], [0.0], [-1.0], [0.1]),
        ]
    )
    assert held.ids.tolist() == ["a", "b", "c"]
    assert held.counts.tolist() == [1, 2, 1]
    np.testing.assert_allclose(held.means, [1.5, 3.0, -1.0])
    np.testing.assert_allclose(held.errors, [0.5, 1.0, -1.0])
    np.testing.assert_allclose(held.aleatoric, [0.4, math.sqrt((0.09 + 0.16) / 2), 0.1])
    # The variance of 2.5 and 3.5 is 1/2 unbiased, 1/3 as three members would state it; others get the pooled one.
    np.testing.assert_allclose(held.epistemic, np.full(3, math.sqrt(0.5 * 2 / 3)))


def test_members_without_spreads_state_their_validation_error():
    held = out_of_member([member(["a", "b"], [0, 0], [1, 1], mse=0.25), member(["b"], [0], [1], mse=1.0)])
    np.testing.assert_allclose(held.aleatoric, [0.5, math.sqrt((0.25 + 1.0) / 2)])


def test_members_that_kept_no_rows_state_nothing():
    held = out_of_member([MemberWeights({}, {}, {"validation_mse": 1.0}, 0)])
    for column in (held.ids, held.errors, held.aleatoric, held.epistemic, held.counts):
        assert len(column) == 0


def gaussian(n=20_000, *, width):
    """One member whose errors are ``width`` times its spreads."""
    rng = np.random.default_rng(0)
    spreads = rng.uniform(0.5, 2.0, n)
    names = [f"row-{i:05d}" for i in range(n)]
    return member(names, np.zeros(n), width * spreads * rng.standard_normal(n), spreads)


def test_both_factors_find_the_width_of_normal_errors():
    variance, conformal = (calibrate([gaussian(width=1.7)], method=method) for method in ("variance", "conformal"))
    assert variance["rows"] == 20_000
    assert variance["factor"] == variance["variance"] == pytest.approx(1.7, rel=0.02)
    assert conformal["factor"] == pytest.approx(1.7, rel=0.03)
    for level, quantile in conformal["conformal"].items():
        assert quantile == pytest.approx(1.7 * norm.ppf((1 + float(level)) / 2), rel=0.03)


def test_without_calibration_the_factors_are_only_told():
    facts = calibrate([gaussian(n=50, width=3.0)], method="none")
    assert facts["factor"] == 1.0
    assert facts["variance"] > 2.0


def test_nothing_held_out_is_nothing_to_calibrate_by():
    assert calibrate([MemberWeights({}, {}, {"validation_mse": 0.1}, 0)] * 3, method="variance") == {}
    assert calibrate([member(["a"], [1.0], [1.0], [0.2])], method="variance") == {}


def test_conformal_quantile_by_hand():
    scores = np.asarray([5.0, 1.0, 3.0, 2.0, 4.0, 6.0, 7.0, 8.0, 9.0])
    assert conformal_quantile(scores, 0.5) == 5.0  # the 5th of 9
    assert conformal_quantile(scores, 0.9) == 9.0
    assert conformal_quantile(scores, 0.95) == 9.0  # nine rows can't tell
    assert conformal_quantile(np.arange(1.0, 100.0), 0.56) == 56.0  # 56.00000000000001 in binary
    # ceil((n + 1) p), where it is not ceil(n p):
    assert conformal_quantile(np.arange(1.0, 11.0), 0.9) == 10.0
    assert conformal_quantile(np.arange(1.0, 31.0), 0.8) == 25.0
    assert conformal_quantile(np.arange(1.0, 21.0), 0.7) == 15.0


def test_a_conformal_quantile_holds_for_a_further_row_of_any_distribution():
    rng = np.random.default_rng(1)
    scores = np.abs(rng.standard_t(2, size=(4000, 41)))
    inside = [row[-1] <= conformal_quantile(row[:-1], 0.9) for row in scores]
    assert 0.9 - 0.015 < np.mean(inside) < 0.9 + 1 / 41 + 0.015


@given(
    st.floats(1.0, 5.0),
    st.lists(
        st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.floats(0.05, 1), st.floats(0.05, 1)), min_size=1, max_size=6
    ),
)
def test_scaled_spreads_scale_sigma(factor, rows):
    table = np.asarray(rows)
    members, spreads = table[:, :2], table[:, 2:]
    scaled = scaled_spreads(members, spreads, factor=factor)

    def sigma(own):
        return np.hypot(np.sqrt(np.mean(own**2, axis=1)), members.std(axis=1))

    np.testing.assert_allclose(sigma(scaled), factor * sigma(spreads), rtol=1e-9)
    np.testing.assert_allclose(scaled[:, 0] * spreads[:, 1], scaled[:, 1] * spreads[:, 0])


def test_members_differ_as_much_as_they_do():
    scaled = scaled_spreads(np.asarray([[0.0, 2.0]]), np.asarray([[0.1, 0.1]]), factor=0.5)
    np.testing.assert_allclose(scaled, 0.005)
