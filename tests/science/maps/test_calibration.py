"""Lines per family: scikit-learn's own, tested by leaving out, silent beyond their reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import HuberRegressor, LinearRegression

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.maps.calibration import calibrate, estimate


def reference(seed=0, n=25, slope=(0.8, -1.5), noise=0.02):
    rng = np.random.default_rng(seed)
    coarse = np.column_stack([rng.uniform(11.4, 11.9, n), rng.uniform(3.8, 3.9, n)])
    return coarse, coarse @ np.asarray(slope) - 1.0 + noise * rng.standard_normal(n)


def test_the_line_is_scikit_learns_with_its_defaults_and_columns_as_they_are():
    coarse, fine = reference()
    fine[3] += 0.6  # a misprint
    line = calibrate(coarse, fine, ["A"] * 25).lines["A"]
    oracle = HuberRegressor().fit(coarse, fine)
    assert np.array_equal(line.coefficients, oracle.coef_)
    assert line.intercept == oracle.intercept_
    assert line.n_outliers == oracle.outliers_.sum() >= 1
    assert line.n_rows == 25


def test_a_misprint_moves_the_line_less_than_least_squares():
    coarse, fine = reference(noise=0.005)
    clean = calibrate(coarse, fine, ["A"] * 25).lines["A"]
    fine[3] += 0.6
    robust = calibrate(coarse, fine, ["A"] * 25).lines["A"]
    middle = coarse.mean(axis=0)[None]
    shift = abs(float(robust(middle)[0] - clean(middle)[0]))
    assert shift < 0.2 * abs(float(LinearRegression().fit(coarse, fine).predict(middle)[0] - clean(middle)[0]))


def test_leave_one_out_is_the_error_on_rows_that_the_line_has_not_seen():
    coarse, fine = reference(n=8)
    line = calibrate(coarse, fine, ["A"] * 8).lines["A"]
    errors = [
        HuberRegressor().fit(np.delete(coarse, row, 0), np.delete(fine, row)).predict(coarse[row : row + 1])[0]
        - fine[row]
        for row in range(8)
    ]
    assert line.leave_one_out == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-12)
    assert line.spread == pytest.approx(np.std(fine))
    assert line.leave_one_out > np.sqrt(np.mean(np.square(line(coarse) - fine)))  # harder than rows it has seen


def test_columns_that_say_nothing_leave_an_error_as_large_as_the_spread():
    rng = np.random.default_rng(5)
    families = np.repeat(list("ABCDEF"), 20)
    lines = calibrate(rng.standard_normal((120, 2)), rng.standard_normal(120), families).lines.values()
    assert np.mean([line.leave_one_out / line.spread for line in lines]) > 0.95


def test_a_family_has_a_line_of_its_own():
    coarse, fine = reference()
    other, value = reference(seed=1, slope=(-2.0, 3.0))
    both = calibrate(np.concatenate([coarse, other]), np.concatenate([fine, value]), ["A"] * 25 + ["B"] * 25)
    assert np.array_equal(both.lines["A"].coefficients, calibrate(coarse, fine, ["A"] * 25).lines["A"].coefficients)
    assert both.lines["B"].coefficients[0] == pytest.approx(-2.0, abs=0.1)


def test_every_row_has_an_estimate_or_a_reason():
    coarse, fine = reference()
    known = calibrate(np.concatenate([coarse, coarse[:3]]), np.concatenate([fine, fine[:3]]), ["A"] * 25 + ["B"] * 3)
    assert known.too_small == {"B": 3}
    middle = coarse.mean(axis=0)
    rows = [middle, [12.5, middle[1]], [np.nan, middle[1]], middle, middle]
    made = estimate(known, np.asarray(rows), ["A", "A", "A", "B", "C"])
    assert made.reasons.tolist() == ["estimated", "beyond_reference", "missing_value", "no_reference", "no_reference"]
    assert np.isfinite(made.values).tolist() == [True, False, False, False, False]
    forced = estimate(known, np.asarray(rows), ["A", "A", "A", "B", "C"], extrapolate=True)
    assert forced.reasons.tolist() == made.reasons.tolist()
    assert forced.values[1] == HuberRegressor().fit(coarse, fine).predict(np.asarray(rows[1:2]))[0]


def test_two_columns_in_range_that_never_occur_together_are_beyond_the_reference():
    t = np.linspace(0.0, 1.0, 20)
    coarse = np.column_stack([t, t + 0.01 * np.sin(40 * t)])  # both rise together
    line = calibrate(coarse, t, ["A"] * 20).lines["A"]
    assert line.covers(np.asarray([[0.5, 0.5]])).all()
    assert not line.covers(np.asarray([[0.1, 0.9]])).any()


@given(st.integers(0, 1000), st.floats(0.1, 50.0), st.floats(-20.0, 20.0))
@settings(max_examples=8, deadline=None)
def test_the_reference_covers_itself_in_any_unit(seed, scale, shift):
    coarse, fine = reference(seed, n=12)
    moved = scale * coarse + shift
    line = calibrate(moved, fine, ["A"] * 12).lines["A"]
    assert line.covers(moved).all()
    assert not line.covers(moved.max(axis=0, keepdims=True) + scale).any()


def test_equal_rows_determine_no_line():
    coarse = np.tile([[11.0, 3.8]], (10, 1))
    assert calibrate(coarse, np.arange(10.0), ["A"] * 10).too_small == {"A": 10}


def test_columns_that_do_not_fit_together_are_refused():
    coarse, fine = reference()
    with pytest.raises(TableError, match="fit together"):
        calibrate(coarse, fine[:-1], ["A"] * 25)
    with pytest.raises(TableError, match="1 coarse columns"):
        estimate(calibrate(coarse, fine, ["A"] * 25), coarse[:, :1], ["A"] * 25)
