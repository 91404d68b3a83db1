"""Element corrections: what a cheaper stage is off by, found and given back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.models.element_correction import ElementCorrection, ElementCorrectionSettings
from aiida_mlhull.science.models.regressors.stage_correction import element_fractions
from tests.science.real_crystals import pnictides

TRAIN, VALIDATION = np.arange(0, 300, 2), np.arange(1, 300, 2)


@pytest.fixture(scope="module")
def shifted():
    """Pnictides whose stage before was off by a number per element, and by 2 eV/atom in some other basins."""
    rows = pnictides().take(np.arange(300))
    shifts = np.random.default_rng(1).normal(0, 0.3, 118)
    stage = rows.energies - element_fractions(rows.crystals) @ shifts
    stage[::20] += 2.0
    return replace(rows, stage_energies=stage[:, None])


@pytest.fixture(scope="module")
def model():
    return ElementCorrection(ElementCorrectionSettings())


def fit(model, rows, loss="robust_l1"):
    inputs = model.represent(rows)
    targets = rows.energies - rows.baselines
    return inputs, model.fit(inputs, targets, train=TRAIN, validation=VALIDATION, loss=loss, seed=3), targets


def test_shifts_are_found_whatever_the_outliers(model, shifted):
    inputs, weights, targets = fit(model, shifted)
    means, spreads = model.predict(weights, inputs)
    errors = np.abs(means - targets)
    assert np.median(errors) < 0.02
    assert weights.scores["validation_mae"] == pytest.approx(errors[VALIDATION].mean())
    assert (spreads > 0).all()


def test_the_baseline_stage_says_the_same(model, shifted):
    """Energies measured from the stage's, or the stage told and taken off here: one correction."""
    told = model.predict(*fit(model, shifted)[1::-1])[0] + shifted.baselines
    from_stage = replace(shifted, baselines=shifted.stage_energies[:, 0], stage_energies=None)
    given = model.predict(*fit(model, from_stage)[1::-1])[0] + from_stage.baselines
    np.testing.assert_allclose(given, told, atol=1e-9)


def test_rare_elements_are_less_certain(model, shifted):
    inputs, weights, _ = fit(model, shifted)
    strange = replace(inputs, fractions=np.eye(118)[[91] * len(inputs.stage)])
    assert (model.predict(weights, strange)[1] > 2 * model.predict(weights, inputs)[1].max()).all()


def test_rows_without_the_stage_are_refused(model, shifted):
    _, weights, _ = fit(model, shifted)
    blind = model.represent(replace(shifted, stage_energies=None))
    with pytest.raises(WeightsError, match="stage before"):
        model.predict(weights, blind)
