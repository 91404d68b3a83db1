"""Trees and process together: outliers, spreads, bounded cost, starting without torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.models.trees_gp import TreesGP, TreesGPSettings
from aiida_mlhull.science.representations.volumes import fit_atomic_volumes
from tests.science.real_crystals import model_rows, pnictides


@pytest.fixture(scope="module")
def lesson():
    """Descriptors of all demo rows, their formation energies, and a split."""
    rows = pnictides()
    volumes = fit_atomic_volumes(rows.relaxed).per_atom(rows.crystals)
    inputs = TreesGP(TreesGPSettings()).represent(model_rows(rows.crystals.with_volumes_per_atom(volumes)))
    order = np.random.default_rng(0).permutation(len(rows))
    return inputs, rows.energies - rows.baselines, np.split(order, [180, 230])


def fit(lesson, targets=None, **settings):
    inputs, energies, (train, validation, _) = lesson
    model = TreesGP(TreesGPSettings(**settings))
    weights = model.fit(
        inputs, energies if targets is None else targets, train=train, validation=validation, loss="robust_l1", seed=4
    )
    return model, weights


def test_it_learns_and_its_spreads_tell_where_it_errs(lesson):
    inputs, energies, (train, _, rest) = lesson
    model, weights = fit(lesson)
    means, spreads = model.predict(weights, inputs)
    errors = np.abs(means - energies)[rest]
    assert errors.mean() < 0.5 * np.abs(energies[rest] - np.median(energies[train])).mean()
    surest = np.argsort(spreads[rest])[: len(rest) // 3]
    assert errors[surest].mean() < 0.7 * errors.mean()
    assert 0.5 < np.sqrt(np.mean(np.square(errors / spreads[rest]))) < 2.0


def test_one_share_each(lesson):
    inputs, *_ = lesson
    by_share = {}
    for share in (0.0, 0.5, 1.0):
        model, weights = fit(lesson, tree_share=share, linear_up_to=1e9)
        by_share[share], _ = model.predict(weights, inputs)
    np.testing.assert_allclose(by_share[0.5], (by_share[0.0] + by_share[1.0]) / 2, atol=1e-9)
    assert np.abs(by_share[0.0] - by_share[1.0]).mean() > 1e-3


def test_a_broken_calculation_does_no_harm(lesson):
    inputs, energies, (train, _, rest) = lesson
    broken = energies.copy()
    broken[train[0]] = 80.0
    means = []
    for targets in (energies, broken):
        model, weights = fit(lesson, targets)
        means.append(model.predict(weights, inputs)[0])
    errors = [np.abs(m - energies)[rest].mean() for m in means]
    assert errors[1] < 1.25 * errors[0]


def test_the_process_remembers_no_more_than_it_may(lesson):
    _, weights = fit(lesson, process_rows=50, tuning_rows=30)
    assert weights.arrays["process.rows"].shape[0] == 50
    assert weights.arrays["process.alpha"].shape == (50,)
    assert weights.arrays["process.spread_rows"].shape == (30,)


def test_equal_targets_are_no_trouble(lesson):
    inputs, energies, _ = lesson
    model, weights = fit(lesson, np.full_like(energies, -0.3))
    means, spreads = model.predict(weights, inputs)
    np.testing.assert_allclose(means, -0.3, atol=1e-6)
    assert np.isfinite(spreads).all()


def test_weights_of_another_model_are_refused(lesson):
    inputs, *_ = lesson
    model, weights = fit(lesson)
    with pytest.raises(WeightsError, match="trees_gp"):
        model.predict(replace(weights, meta={"loss": "l1"}), inputs)


def test_predicting_needs_neither_torch_nor_sklearn():
    code = (
        "import sys; import aiida_mlhull.science.models.trees_gp, aiida_mlhull.science.ensembles;"
        "print([name for name in ('torch', 'sklearn', 'aiida') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
