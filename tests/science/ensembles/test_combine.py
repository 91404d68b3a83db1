"""Gathering and asking: sigma by its definitions, baselines added back, wrong members refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, predict
from aiida_mlhull.science.ensembles.calibrate import calibrate, out_of_member
from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.types import ModelRows
from aiida_mlhull.science.wire.weights import decode_ensemble, encode_ensemble
from tests.science.real_crystals import pnictides

SETTINGS = EnsembleSettings(model="trees_gp", model_settings={"trees": 20}, members=3)
NETWORK = {"atom_width": 16, "layers": 2, "hidden_width": 16, "max_epochs": 10}


def questions(rows):
    return ModelRows(ids=rows.ids, formulas=rows.formulas, crystals=rows.crystals, baselines=rows.baselines)


@pytest.fixture(scope="module")
def split_rows():
    rows = pnictides()
    learned = np.random.default_rng(2).permutation(len(rows))[:200]
    return rows.take(learned), rows.take(np.setdiff1d(np.arange(len(rows)), learned))


@pytest.fixture(scope="module")
def members(split_rows):
    return [fit_member(split_rows[0], SETTINGS, member=k, seed=1) for k in range(3)]


@pytest.fixture(scope="module")
def ensemble(members):
    return gather(members, settings=SETTINGS)


def test_predictions_are_energies_with_the_baseline_added_back(ensemble, split_rows):
    _, asked = split_rows
    predictions = predict(ensemble, questions(asked))
    assert predictions.ids.tolist() == asked.ids.tolist()
    assert predictions.members.shape == (len(asked), 3)
    errors = predictions.mean - asked.energies
    assert (
        np.abs(errors).mean()
        < 0.5 * np.abs(asked.energies - asked.baselines - np.median(asked.energies - asked.baselines)).mean()
    )
    lifted = predict(ensemble, replace(questions(asked), baselines=asked.baselines + 7.0))
    np.testing.assert_allclose(lifted.members, predictions.members + 7.0)
    np.testing.assert_allclose(lifted.sigma, predictions.sigma)


def test_the_mean_of_members_is_better_than_a_member(ensemble, split_rows):
    _, asked = split_rows
    predictions = predict(ensemble, questions(asked))
    errors = np.abs(predictions.members - asked.energies[:, None]).mean(axis=0)
    assert np.abs(predictions.mean - asked.energies).mean() < errors.mean()


def test_sigma_is_roughly_the_error(ensemble, split_rows):
    _, asked = split_rows
    predictions = predict(ensemble, questions(asked))
    scores = (predictions.mean - asked.energies) / predictions.sigma
    assert 0.5 < np.sqrt(np.mean(np.square(scores))) < 2.0
    assert 0.5 < np.mean(np.abs(scores) < 1) < 0.95


@pytest.mark.parametrize(("model", "model_settings"), [("trees_gp", {"trees": 10}), ("cgcnn", NETWORK)])
def test_sigma_a_is_the_mean_validation_mse_for_plain_losses(split_rows, model, model_settings):
    settings = EnsembleSettings(model=model, model_settings=model_settings, members=2, loss="l1")
    learned, asked = split_rows
    fitted = [fit_member(learned, settings, member=k, seed=3) for k in range(2)]
    predictions = predict(gather(fitted, settings=settings), questions(asked))
    errors = [weights.scores["validation_mse"] for weights in fitted]
    np.testing.assert_allclose(predictions.member_aleatoric, np.tile(np.sqrt(errors), (len(asked), 1)))
    np.testing.assert_allclose(predictions.aleatoric, np.sqrt(np.mean(errors)))
    np.testing.assert_allclose(predictions.sigma**2, predictions.aleatoric**2 + predictions.members.var(axis=1))


def test_the_order_of_members_does_not_matter(members, ensemble, split_rows):
    _, asked = split_rows
    shuffled = gather(members[::-1], settings=SETTINGS)
    assert np.array_equal(predict(shuffled, questions(asked)).members, predict(ensemble, questions(asked)).members)


def test_stored_and_read_back_it_predicts_the_same_bits(ensemble, split_rows):
    _, asked = split_rows
    again = decode_ensemble(encode_ensemble(ensemble))
    ours, theirs = predict(ensemble, questions(asked)), predict(again, questions(asked))
    assert np.array_equal(ours.members, theirs.members)
    assert np.array_equal(ours.member_aleatoric, theirs.member_aleatoric)


def test_one_row_and_no_row(ensemble, split_rows):
    asked = questions(split_rows[1])
    everything = predict(ensemble, asked)
    np.testing.assert_allclose(predict(ensemble, asked.take([5])).members[0], everything.members[5], atol=1e-9)
    nothing = predict(ensemble, asked.take(np.zeros(0, dtype=np.int64)))
    assert nothing.members.shape == (0, 3)


def test_it_reports_once_a_member(ensemble, split_rows):
    lines = []
    predict(ensemble, questions(split_rows[1]).take([0]), report=lines.append)
    assert len(lines) == 3


def test_wrong_members_are_refused(members, split_rows):
    with pytest.raises(WeightsError, match="at least one"):
        gather([], settings=SETTINGS)
    with pytest.raises(WeightsError, match=r"members 0 to 2, got \[0, 1\]"):
        gather(members[:2], settings=SETTINGS)
    with pytest.raises(WeightsError, match=r"got \[0, 1, 1\]"):
        gather([*members[:2], members[1]], settings=SETTINGS)
    stranger = fit_member(split_rows[0].take(np.arange(100)), SETTINGS, member=2, seed=1)
    with pytest.raises(WeightsError, match="different training rows"):
        gather([*members[:2], stranger], settings=SETTINGS)
    with pytest.raises(WeightsError, match="seeds"):
        gather([*members[:2], fit_member(split_rows[0], SETTINGS, member=2, seed=9)], settings=SETTINGS)


@pytest.mark.parametrize("cells", ["unrelaxed", "relaxed", "both"])
def test_every_choice_of_cells_learns(split_rows, cells):
    learned, asked = split_rows
    scaling = cells != "relaxed"  # relaxed cells are asked about as they are
    settings = EnsembleSettings(
        model="trees_gp", model_settings={"trees": 20}, members=2, cells=cells, volume_scaling=scaling
    )
    fitted = [fit_member(learned, settings, member=k, seed=0) for k in range(2)]
    cells_asked = asked.relaxed if cells == "relaxed" else asked.crystals
    predictions = predict(gather(fitted, settings=settings), replace(questions(asked), crystals=cells_asked))
    target = asked.energies - asked.baselines
    assert np.abs(predictions.mean - asked.energies).mean() < 0.8 * np.abs(target - np.median(target)).mean()


@pytest.mark.parametrize("method", ["variance", "conformal"])
def test_a_calibrated_sigma_is_the_members_times_the_factor(split_rows, method):
    learned, asked = split_rows
    settings = EnsembleSettings(model="cgcnn", model_settings=NETWORK, members=2, calibration=method)
    fitted = [fit_member(learned, settings, member=k, seed=3) for k in range(2)]
    calibrated = gather(fitted, settings=settings)
    plain = gather(fitted, settings=settings.model_copy(update={"calibration": "none"}))
    assert plain.calibration["factor"] == 1.0
    assert calibrated.calibration["factor"] == calibrate(fitted, method=method)["factor"] != 1.0
    assert calibrated.calibration["rows"] == len(out_of_member(fitted))
    told, said = (predict(ensemble, questions(asked)) for ensemble in (calibrated, plain))
    np.testing.assert_array_equal(told.members, said.members)
    wanted = calibrated.calibration["factor"] * said.sigma
    fits = wanted > 1.01 * said.epistemic
    assert fits.mean() > 0.5
    np.testing.assert_allclose(told.sigma[fits], wanted[fits])


def test_a_members_own_rows_are_held_out(members, split_rows):
    held = out_of_member(members)
    learned = split_rows[0]
    rows = learned.positions(held.ids)
    np.testing.assert_allclose(held.targets, (learned.energies - learned.baselines)[rows])
    for weights in members:
        errors = np.asarray(weights.scores["held_out"]["means"]) - np.asarray(weights.scores["held_out"]["targets"])
        assert weights.scores["validation_mae"] == pytest.approx(np.abs(errors).mean())
