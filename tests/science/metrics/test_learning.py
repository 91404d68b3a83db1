"""Power laws and spending against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics.learning import PowerLaw, fit_power_law, spend


def law(slope, intercept=0.0):
    return PowerLaw(slope=slope, intercept=intercept, slope_error=0.0, points=5)


def test_a_power_law_is_found_as_scipy_finds_it():
    sizes = np.asarray([50, 100, 400, 1000])
    errors = 2.0 * sizes**-0.4 * np.asarray([1.02, 0.97, 1.01, 1.0])
    found, theirs = fit_power_law(sizes, errors), linregress(np.log10(sizes), np.log10(errors))
    assert found.slope == pytest.approx(theirs.slope)
    assert found.intercept == pytest.approx(theirs.intercept)
    assert found.slope_error == pytest.approx(theirs.stderr)
    np.testing.assert_allclose(found(sizes), 10**theirs.intercept * sizes**theirs.slope)
    assert found(found.labels_for(0.1)) == pytest.approx(0.1)


def test_repeats_are_averaged_first():
    both = fit_power_law(np.asarray([10, 100]), np.asarray([[1.0, 3.0], [0.5, 0.3]]))
    assert both.slope == pytest.approx(math.log10(0.4 / 2.0))
    assert math.isnan(both.slope_error)
    assert law(0.1).labels_for(0.5) == math.inf


@given(
    st.floats(-0.8, 0.2), st.floats(-0.8, -0.01), st.floats(10, 1e4), st.floats(10, 1e5), st.floats(1, 1e4),
    st.floats(0.1, 20), st.floats(1, 50),
)  # fmt: skip
def test_no_other_split_of_the_budget_does_better(slope_e, slope_c, n_e, n_c, budget, cost, ratio):
    best = spend(law(slope_e), law(slope_c), have=(n_e, n_c), budget=budget, cost=cost, cost_ratio=ratio)
    assert best.expensive * cost + best.cheap * cost / ratio == pytest.approx(budget)
    shares = np.linspace(0, 1, 2001)
    falling = min(slope_e, 0.0), min(slope_c, 0.0)
    errors = (1 + shares * budget / cost / n_e) ** falling[0] * (
        1 + (1 - shares) * budget * ratio / cost / n_c
    ) ** falling[1]
    assert best.error_ratio <= errors.min() * (1 + 1e-9)
    assert best.error_ratio == pytest.approx(errors.min(), rel=1e-4)


def test_the_next_hour_goes_where_it_helps_more():
    # Equal slopes: a thousandth of 100 expensive labels, or of 1,000 cheap ones at a tenth of the cost, are alike.
    even = spend(law(-0.3), law(-0.3), have=(100, 1000), budget=1e-3, cost=1.0, cost_ratio=10.0)
    assert even.gain_expensive == pytest.approx(even.gain_cheap) == pytest.approx(0.003)
    fewer = spend(law(-0.3), law(-0.3), have=(50, 1000), budget=10.0, cost=1.0, cost_ratio=10.0)
    assert (fewer.next_hour, fewer.cheap) == ("expensive", 0.0)
    more = spend(law(-0.3), law(-0.3), have=(500, 1000), budget=10.0, cost=1.0, cost_ratio=10.0)
    assert (more.next_hour, more.expensive) == ("cheap", 0.0)


def test_what_can_not_be_spent_or_fitted_is_refused():
    with pytest.raises(TableError, match="neither kind"):
        spend(law(0.1), law(0.0), have=(10, 10), budget=1, cost=1, cost_ratio=1)
    with pytest.raises(TableError, match="must be positive"):
        spend(law(-0.1), law(-0.1), have=(0, 10), budget=1, cost=1, cost_ratio=1)
    with pytest.raises(TableError, match="two or more"):
        fit_power_law(np.asarray([10, 10]), np.asarray([1.0, 2.0]))
