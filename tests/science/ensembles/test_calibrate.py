"""The factor that brings spreads to the size of errors."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.ensembles.calibrate import RATIO, spread_factor, spread_ratio
from aiida_mlhull.science.types import MemberWeights


def member(scores):
    return MemberWeights({}, {}, scores, 0)


def test_the_ratio_is_the_width_of_a_laplace_distribution():
    rng = np.random.default_rng(0)
    spreads = rng.uniform(0.5, 2.0, 20_000)
    errors = rng.laplace(scale=1.7 * spreads / np.sqrt(2))  # standard deviation 1.7 times the spread
    assert spread_ratio(errors, spreads) == pytest.approx(1.7, rel=0.02)


def test_the_factor_is_the_mean_over_members():
    assert spread_factor([member({RATIO: 1.2}), member({RATIO: 1.8})]) == pytest.approx(1.5)


def test_members_without_spreads_need_no_factor():
    assert spread_factor([member({"validation_mse": 0.1})] * 3) == 1.0
