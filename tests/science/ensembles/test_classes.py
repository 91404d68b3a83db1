"""Ensembles of classes: split, fitted, gathered, kept on file, asked."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, predict
from aiida_mlhull.science.ensembles.classes import held_out_classes
from aiida_mlhull.science.ensembles.training_set import split
from aiida_mlhull.science.errors import InputError, SettingsError, TooFewLabelsError, WeightsError
from aiida_mlhull.science.metrics.classes import class_scores
from aiida_mlhull.science.types import TrainingRows
from aiida_mlhull.science.types.strict import validated
from aiida_mlhull.science.wire import decode_ensemble, encode_ensemble
from aiida_mlhull.science.wire.weights import ENSEMBLE_FILE
from tests.science.real_crystals import model_rows, mp_crystals, mp_energies

NETWORK = {"atom_width": 12, "layers": 1, "hidden_width": 12, "max_epochs": 25, "batch_size": 16}
SETTINGS = {"model": "cgcnn", "model_settings": NETWORK, "members": 3, "volume_scaling": False, "unit": ""}


def rows_of(classes):
    asked = model_rows(mp_crystals())
    return TrainingRows(
        ids=asked.ids,
        formulas=asked.formulas,
        crystals=asked.crystals,
        baselines=np.zeros(len(asked)),
        energies=np.asarray(classes, dtype=np.float64),
        relaxed=asked.crystals,
    )


@pytest.fixture(scope="module")
def fitted():
    """Which crystals bind more than most."""
    settings = EnsembleSettings(**SETTINGS, target="strong", classes=("no", "yes"))
    rows = rows_of(mp_energies() < np.median(mp_energies()))
    members = [fit_member(rows, settings, member=number, seed=3) for number in range(3)]
    return rows, settings, gather(members, settings=settings)


def test_rows_that_members_did_not_learn_from(fitted):
    rows, _, ensemble = fitted
    held = held_out_classes(ensemble)
    assert held.counts.sum() == 3 * 14  # 15 % of either class
    at = rows.positions(held.ids)
    np.testing.assert_array_equal(held.classes, rows.energies[at])
    np.testing.assert_allclose(held.probabilities.sum(axis=1), 1, rtol=1e-6)
    one = ensemble.members[1].scores["held_out"]
    alone = next(row for row, name in enumerate(held.ids.tolist()) if name in one["ids"] and held.counts[row] == 1)
    np.testing.assert_allclose(held.probabilities[alone], one["probabilities"][one["ids"].index(held.ids[alone])])
    assert class_scores(ensemble.classes, held.probabilities, held.classes).curves["yes"].area > 0.6


def test_two_classes_are_predicted_as_a_chance(fitted):
    rows, _, ensemble = fitted
    said = predict(ensemble, rows)
    assert ((said.members >= 0) & (said.members <= 1)).all()
    np.testing.assert_allclose(said.member_aleatoric, np.sqrt(said.members * (1 - said.members)))
    strong = rows.energies == 1
    assert said.mean[strong].mean() > said.mean[~strong].mean() + 0.1


def test_files_come_back_and_those_of_numbers_have_not_changed(fitted):
    _, _, ensemble = fitted
    files = encode_ensemble(ensemble)
    again = decode_ensemble(files)
    assert again.classes == ("no", "yes")
    assert encode_ensemble(again) == files
    numbers = encode_ensemble(replace(ensemble, classes=()))
    assert "classes" not in json.loads(numbers[ENSEMBLE_FILE])
    assert decode_ensemble(numbers).classes == ()


def test_more_than_two_classes_are_not_one_number():
    settings = EnsembleSettings(**(SETTINGS | {"members": 1}), classes=("a", "b", "c"))
    rows = rows_of(np.digitize(mp_energies(), np.quantile(mp_energies(), [1 / 3, 2 / 3])))
    ensemble = gather([fit_member(rows, settings, member=0, seed=3)], settings=settings)
    held = held_out_classes(ensemble)
    assert held.probabilities.shape[1] == 3
    assert set(class_scores(ensemble.classes, held.probabilities, held.classes).curves) == {"a", "b", "c"}
    with pytest.raises(InputError, match="3 classes are not one number"):
        predict(ensemble, rows)


def test_a_rare_class_is_on_both_sides_of_every_split():
    classes = np.zeros(94)
    classes[:3] = 1
    settings = EnsembleSettings(**SETTINGS, classes=("common", "rare"))
    for seed in range(5):
        train, aside = split(rows_of(classes), settings, seed=seed)
        assert sorted([*train, *aside]) == list(range(94))
        assert (classes[train].sum(), classes[aside].sum()) == (2, 1)
        assert len(aside) == 1 + round(0.15 * 91)
    with pytest.raises(TooFewLabelsError, match="class rare has 1 rows"):
        split(rows_of(np.eye(94)[0]), settings, seed=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "magpie_forest", "model_settings": {}}, "magpie_forest can't learn classes; networks can"),
        ({"classes": ("a",)}, "two or more different names, not a"),
        ({"classes": ("a", "b", "a")}, "two or more different names"),
        ({"calibration": "variance"}, "classes don't have"),
    ],
)
def test_settings_that_make_no_sense(changes, message):
    with pytest.raises(SettingsError, match=message):
        validated(EnsembleSettings, {**SETTINGS, "classes": ("a", "b"), **changes}, what="ensemble")


def test_numbers_keep_no_classes(fitted):
    with pytest.raises(WeightsError, match="keeps no classes"):
        held_out_classes(replace(fitted[2], classes=()))
