"""The scale of targets: linear, then logarithmic, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.models.regressors.target_scale import TargetScale

SCALE = TargetScale(0.3)
energies = st.floats(-5, 5)


@given(energies)
def test_there_and_back(energy: float) -> None:
    assert SCALE.back(SCALE(np.array([energy])))[0] == pytest.approx(energy, abs=1e-9)


@given(energies, energies)
def test_the_order_stays(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert SCALE(np.array([low]))[0] <= SCALE(np.array([high]))[0]


def test_near_the_hull_nothing_changes_and_far_above_it_is_flat() -> None:
    assert SCALE(np.array([-1.0, 0.0, 0.3])).tolist() == [-1.0, 0.0, 0.3]
    assert SCALE(np.array([1.0]))[0] == pytest.approx(0.3 + 0.3 * np.log(1 + 0.7 / 0.3))


def test_the_slope_is_the_derivative_of_the_way_back() -> None:
    places, step = np.linspace(-0.5, 1.2, 41) + 0.003, 1e-6
    numerical = (SCALE.back(places + step) - SCALE.back(places - step)) / (2 * step)
    assert SCALE.slope(places) == pytest.approx(numerical, rel=1e-5)


def test_a_wild_prediction_stays_finite() -> None:
    assert np.isfinite(SCALE.back(np.array([1e6]))).all()
