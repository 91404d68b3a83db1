"""The process against dense linear algebra, scikit-learn's regressor and brute-force leaving out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel

from aiida_mlhull.science.models.regressors.gaussian_process import (
    GaussianProcess,
    Kernel,
    Standardizer,
    _distances,
    _leave_one_out,
)

COMPOSITIONAL = np.asarray([True, True, False, False, False])


@pytest.fixture
def data():
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(90, 5)) / np.sqrt(3)
    return rows, np.sin(2 * rows[:, 0]) * rows[:, 2] + 0.02 * rng.normal(size=90)


def process(rows, targets, kernel, spread_rows=None):
    chosen = np.arange(len(rows)) if spread_rows is None else spread_rows
    covariance = kernel.with_noise(_distances(rows, rows, COMPOSITIONAL))
    alpha = np.linalg.solve(covariance, targets)
    return GaussianProcess(rows, COMPOSITIONAL, alpha, chosen.astype(np.int32), kernel, 1.0)


def test_kernel_by_hand():
    kernel = Kernel(range_composition=2.0, range_structure=0.5, noise=0.1, single=0.25)
    value = kernel(np.asarray(1.0), np.asarray(0.25))
    assert value == pytest.approx(0.25 * (np.exp(-0.5) + np.exp(-0.5)) + np.exp(-1.0))
    assert kernel(np.asarray(0.0), np.asarray(0.0)) == pytest.approx(kernel.diagonal)


def test_without_composition_it_is_sklearns(data):
    # All columns structural and no single terms: an exponential (Matern 1/2) kernel.
    rows, targets = data
    none = np.zeros(5, dtype=bool)
    kernel = Kernel(range_composition=1.0, range_structure=0.7, noise=0.05, single=0.0)
    covariance = kernel.with_noise(_distances(rows, rows, none))
    ours = GaussianProcess(rows, none, np.linalg.solve(covariance, targets), np.arange(90, dtype=np.int32), kernel, 1.0)
    theirs = GaussianProcessRegressor(Matern(0.7, nu=0.5) + WhiteKernel(0.05), optimizer=None).fit(rows, targets)
    asked = np.random.default_rng(5).normal(size=(40, 5))
    means, deviations = ours.predict(asked)
    expected, expected_deviations = theirs.predict(asked, return_std=True)
    np.testing.assert_allclose(means, expected, atol=1e-8)
    np.testing.assert_allclose(deviations, expected_deviations, atol=1e-8)


def test_leaving_out_equals_leaving_out(data):
    rows, targets = data
    kernel = Kernel()
    residuals, variances = _leave_one_out(kernel, _distances(rows, rows, COMPOSITIONAL), targets)
    for index in (0, 31, 89):
        rest = np.delete(np.arange(90), index)
        means, deviations = process(rows[rest], targets[rest], kernel).predict(rows[[index]])
        assert residuals[index] == pytest.approx(targets[index] - means[0], abs=1e-7)
        assert variances[index] == pytest.approx(deviations[0] ** 2, abs=1e-7)


def test_fewer_rows_never_make_it_surer(data):
    rows, targets = data
    asked = np.random.default_rng(6).normal(size=(30, 5))
    _, all_rows = process(rows, targets, Kernel()).predict(asked)
    _, few_rows = process(rows, targets, Kernel(), spread_rows=np.arange(0, 90, 3)).predict(asked)
    assert (few_rows >= all_rows - 1e-9).all()


def test_a_fit_beats_the_mean_and_knows_what_it_does_not_know(data):
    rows, targets = data
    fitted = GaussianProcess.fit(rows[:70], COMPOSITIONAL, targets[:70], tuning_rows=50, seed=0)
    means, near = fitted.predict(rows[70:])
    assert np.abs(means - targets[70:]).mean() < 0.8 * np.abs(targets[70:] - targets[:70].mean()).mean()
    _, far = fitted.predict(rows[70:] + 20.0)
    assert far.min() > near.max()


def test_many_rows_in_chunks(data):
    rows, targets = data
    fitted = GaussianProcess.fit(rows, COMPOSITIONAL, targets, tuning_rows=40, seed=1)
    asked = np.tile(rows, (50, 1))
    means, _ = fitted.predict(asked)
    np.testing.assert_allclose(means, np.tile(means[:90], 50), atol=1e-12)


def test_standardizer_leaves_out_what_never_varies():
    rows = np.column_stack([np.arange(6.0), np.full(6, 3.3)])
    standardized = Standardizer.fit(rows)(rows)
    assert not standardized[:, 1].any()
    assert standardized[:, 0].std() == pytest.approx(1.0)
