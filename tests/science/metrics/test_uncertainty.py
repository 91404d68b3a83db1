"""Measures of spreads against integrals, other people's distributions and numbers by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics.confidence import confidence_curve, diagnose
from aiida_mlhull.science.metrics.uncertainty import (
    calibration_curve,
    coverage,
    crps,
    log_ratios,
    miscalibration_area,
    nll,
    quantile_pairs,
    z_scores,
)

ERRORS = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.05, 3)), min_size=1, max_size=12).map(np.asarray)


def normal_rows(n=40_000, *, width=1.0):
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.2, 2.0, n)
    return width * sigma * rng.standard_normal(n), sigma


@given(ERRORS)
def test_crps_is_its_integral(rows):
    errors, sigma = rows[:, 0], rows[:, 1]
    for error, spread, ours in zip(errors, sigma, crps(errors, sigma), strict=True):
        # ∫ (F(x) - [x >= true])² dx, with the truth at 0 and the prediction at ``error``.
        left = quad(lambda x, e=error, s=spread: norm.cdf(x, e, s) ** 2, -40, 0, epsabs=1e-10)[0]
        right = quad(lambda x, e=error, s=spread: norm.sf(x, e, s) ** 2, 0, 40, epsabs=1e-10)[0]
        assert ours == pytest.approx(left + right, abs=1e-6)


@given(ERRORS)
def test_nll_is_that_of_scipy(rows):
    np.testing.assert_allclose(nll(rows[:, 0], rows[:, 1]), -norm.logpdf(rows[:, 0], scale=rows[:, 1]))


def test_crps_becomes_the_absolute_error():
    errors = np.asarray([0.3, -1.2])
    np.testing.assert_allclose(crps(errors, np.full(2, 1e-6)), np.abs(errors), atol=1e-5)


@given(ERRORS)
def test_miscalibration_area_is_its_integral(rows):
    errors, sigma = rows[:, 0], rows[:, 1]
    inside = np.sort(2 * norm.cdf(np.abs(errors / sigma)) - 1)
    grid = (np.arange(200_000) + 0.5) / 200_000
    shares = np.searchsorted(inside, grid, side="right") / len(inside)
    assert miscalibration_area(errors, sigma) == pytest.approx(np.abs(shares - grid).mean(), abs=1e-4)


def test_miscalibration_area_by_hand():
    # One row at the median: the share is 0 up to level 1/2 and 1 from there, two triangles of 1/8.
    assert miscalibration_area(np.asarray([norm.ppf(0.75)]), np.ones(1)) == pytest.approx(0.25)
    assert miscalibration_area(np.zeros(5), np.ones(5)) == pytest.approx(0.5)


def test_right_spreads_are_found_right():
    errors, sigma = normal_rows()
    found = diagnose(errors, sigma, aleatoric=sigma, epistemic=sigma / 10)
    assert found.z_std == pytest.approx(1.0, abs=0.01)
    assert found.z_mean == pytest.approx(0.0, abs=0.02)
    assert found.miscalibration_area < 0.01
    assert found.coverage == {level: pytest.approx(level, abs=0.01) for level in (0.5, 0.68, 0.9, 0.95)}
    assert found.rmse == pytest.approx(found.sharpness, rel=0.02)
    assert found.log_ratio == pytest.approx(1.0)
    assert found.rows == 40_000


def test_spreads_too_small_by_half():
    errors, sigma = normal_rows(width=2.0)
    expected = {level: 2 * norm.cdf(norm.ppf((1 + level) / 2) / 2) - 1 for level in (0.5, 0.95)}
    assert coverage(errors, sigma, levels=(0.5, 0.95)) == pytest.approx(expected, abs=0.01)
    right, wrong = (diagnose(errors, factor * sigma) for factor in (2.0, 1.0))
    assert wrong.miscalibration_area > 10 * right.miscalibration_area
    assert wrong.nll > right.nll
    assert wrong.crps > right.crps
    assert wrong.ranking == right.ranking


def test_calibration_curve_is_a_distribution_function():
    levels, shares = calibration_curve(*normal_rows(n=50))
    assert (levels[0], levels[-1], shares[0], shares[-1]) == (0.0, 1.0, 0.0, 1.0)
    assert (np.diff(levels) >= 0).all()
    assert (np.diff(shares) >= 0).all()


def test_quantiles_of_normal_errors_lie_on_the_diagonal():
    normal, z = quantile_pairs(*normal_rows())
    middle = np.abs(normal) < 2
    np.testing.assert_allclose(z[middle], normal[middle], atol=0.05)
    assert quantile_pairs(np.asarray([2.0]), np.asarray([4.0])) == (pytest.approx(0.0), pytest.approx(0.5))


def test_confidence_curve_by_hand():
    errors, sigma = np.asarray([4.0, -1.0, 2.0, 1.0]), np.asarray([0.3, 0.2, 0.4, 0.1])
    curve = confidence_curve(errors, sigma, orders=200)
    np.testing.assert_allclose(curve.dropped, [0, 0.25, 0.5, 0.75])
    np.testing.assert_allclose(curve.by_sigma, [2.0, 2.0, 1.0, 1.0])
    np.testing.assert_allclose(curve.oracle, [2.0, 4 / 3, 1.0, 1.0])
    np.testing.assert_allclose(curve.random, 2.0, atol=0.35)
    # Above the oracle: 2/3 of 8/3 at four points.
    assert curve.ranking == pytest.approx(1 - (2 / 3) / (2 / 3 + 1 + 1))


def test_the_order_by_error_is_perfect_and_chance_is_nothing():
    errors, sigma = normal_rows(n=4000)
    assert confidence_curve(errors, np.abs(errors) + 1e-9).ranking == pytest.approx(1.0)
    shuffled = np.random.default_rng(5).permutation(sigma)
    assert abs(confidence_curve(errors, shuffled).ranking) < 0.05
    assert confidence_curve(errors, 1 / np.abs(errors)).ranking < -0.5
    curve = confidence_curve(errors, sigma)
    assert 0.2 < curve.ranking < 0.9
    assert ((curve.band[0] <= curve.random + 1e-12) & (curve.random <= curve.band[1] + 1e-12)).all()
    assert (curve.oracle <= curve.by_sigma + 1e-12).all()


def test_equal_errors_can_not_be_ranked():
    assert math.isnan(confidence_curve(np.ones(5), np.arange(1.0, 6.0)).ranking)


def test_log_ratios():
    ratios = log_ratios(np.asarray([1.0, 0.0, 0.1]), np.asarray([0.1, 1.0, 1.0]))
    np.testing.assert_allclose(ratios, [1.0, np.nan, -1.0])


def test_spreads_that_say_nothing_are_refused():
    with pytest.raises(TableError, match="1 of 2 spreads are zero"):
        z_scores(np.ones(2), np.asarray([0.0, 1.0]))
    with pytest.raises(TableError, match="don't belong together"):
        z_scores(np.ones(2), np.ones(3))
    with pytest.raises(TableError, match="no row"):
        z_scores(np.empty(0), np.empty(0))
