"""Members that hear of the stage before, and members that insure against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, predict
from aiida_mlhull.science.errors import SettingsError, WeightsError
from aiida_mlhull.science.types import ModelRows, TrainingRows
from aiida_mlhull.science.types.strict import validated
from tests.science.real_crystals import pnictides

SETTINGS = EnsembleSettings(model="trees_gp", members=2, blind_members=1, model_settings={"trees": 30})


@pytest.fixture(scope="module")
def training() -> TrainingRows:
    """Real crystals with a stage before: the truth, shifted a little, and expanded cells."""
    rows = pnictides().take(range(0, 354, 3))
    shifted = rows.energies[:, None] + 0.05
    return replace(rows, stage_energies=shifted, unrelaxed=rows.crystals)


def asked(training: TrainingRows, **changes: object) -> ModelRows:
    columns = ("ids", "formulas", "crystals", "baselines", "stage_energies", "unrelaxed")
    return ModelRows(**{**{name: getattr(training, name) for name in columns}, **changes})


def test_a_told_member_follows_the_stage_and_a_blind_one_does_not(training: TrainingRows) -> None:
    members = [fit_member(training, SETTINGS, member=k, seed=0) for k in range(2)]
    ensemble = gather(members, settings=SETTINGS)
    before = predict(ensemble, asked(training))
    after = predict(ensemble, asked(training, stage_energies=training.stage_energies + 0.2))
    moved = after.members - before.members
    assert np.median(moved[:, 0]) > 0.1
    assert np.array_equal(before.members[:, 1], after.members[:, 1])


def test_the_stages_word_helps(training: TrainingRows) -> None:
    """The stage is the truth and a constant: what is learned from it must beat what is learned without."""
    told, blind = (fit_member(training, SETTINGS, member=k, seed=0).scores["validation_mae"] for k in range(2))
    assert told < 0.5 * blind


def test_weights_that_were_told_want_to_be_told(training: TrainingRows) -> None:
    ensemble = gather([fit_member(training, SETTINGS, member=k, seed=0) for k in range(2)], settings=SETTINGS)
    with pytest.raises(WeightsError, match="stage before, which these rows lack"):
        predict(ensemble, asked(training, stage_energies=None))


def test_more_blind_members_than_members() -> None:
    with pytest.raises(SettingsError, match="can't be blind"):
        validated(EnsembleSettings, {"members": 1, "blind_members": 2}, what="ensemble")


def test_a_blind_network_sees_the_unrelaxed_cells(training: TrainingRows) -> None:
    network = {"atom_width": 8, "layers": 1, "hidden_width": 8, "max_epochs": 5}
    settings = EnsembleSettings(model="cgcnn", members=2, blind_members=1, model_settings=network, volume_scaling=False)
    told = replace(training, crystals=training.relaxed)
    ensemble = gather([fit_member(told, settings, member=k, seed=0) for k in range(2)], settings=settings)
    before = predict(ensemble, asked(told)).members
    moved = predict(ensemble, asked(told, crystals=training.crystals)).members
    assert np.array_equal(before[:, 1], moved[:, 1])
    assert (before[:, 0] != moved[:, 0]).mean() > 0.9
