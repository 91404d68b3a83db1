"""Classes by networks: learned, reproducible, kept apart from numbers."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import InputError, WeightsError
from aiida_mlhull.science.metrics.classes import accuracies, roc
from aiida_mlhull.science.models.cgcnn import CGCNN, CGCNNSettings
from aiida_mlhull.science.models.families.classification import class_probabilities, fit_classes
from aiida_mlhull.science.wire.weights import decode_member, encode_member
from tests.science.real_crystals import model_rows, mp_crystals, mp_energies

TRAIN, VALIDATION = np.arange(0, 94, 2), np.arange(1, 94, 4)


@pytest.fixture(scope="module")
def taught():
    """Which crystals bind more than most, learned by a small CGCNN."""
    model = CGCNN(CGCNNSettings(atom_width=12, layers=1, hidden_width=12, max_epochs=25, batch_size=16))
    inputs = model.represent(model_rows(mp_crystals()))
    classes = (mp_energies() < np.median(mp_energies())).astype(np.int64)
    return model, inputs, classes, fit_classes(model, inputs, classes, train=TRAIN, validation=VALIDATION, seed=5)


def test_classes_are_learned(taught):
    model, inputs, classes, weights = taught
    probabilities = class_probabilities(model, weights, inputs)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert roc(probabilities[TRAIN, 1], classes[TRAIN] == 1).area > 0.8
    assert accuracies(probabilities[TRAIN], classes[TRAIN]).balanced > 0.7
    misses = 1 - probabilities[np.arange(94), classes]
    assert weights.scores["validation_miss"] == pytest.approx(misses[VALIDATION].mean(), rel=1e-5)


def test_the_same_bits_again_and_from_a_file(taught):
    model, inputs, classes, weights = taught
    again = fit_classes(model, inputs, classes, train=TRAIN, validation=VALIDATION, seed=5)
    loaded = decode_member(encode_member(weights))
    expected = class_probabilities(model, weights, inputs)
    for other in (again, loaded):
        np.testing.assert_array_equal(class_probabilities(model, other, inputs), expected)


def test_three_classes(taught):
    model, inputs, _, _ = taught
    classes = np.digitize(mp_energies(), np.quantile(mp_energies(), [1 / 3, 2 / 3]))
    weights = fit_classes(model, inputs, classes, train=TRAIN, validation=VALIDATION, seed=5)
    assert class_probabilities(model, weights, inputs).shape == (94, 3)


def test_numbers_and_classes_are_not_mixed_up(taught):
    model, inputs, _, weights = taught
    with pytest.raises(WeightsError, match="not fitted by CGCNN"):
        model.predict(weights, inputs)
    numbers = model.fit(inputs, mp_energies(), train=TRAIN, validation=VALIDATION, loss="l1", seed=1)
    with pytest.raises(WeightsError, match="not fitted to classes"):
        class_probabilities(model, numbers, inputs)


def test_every_class_has_to_be_taught(taught):
    model, inputs, classes, _ = taught
    with pytest.raises(InputError, match="missing: 1"):
        fit_classes(model, inputs, 2 * classes, train=TRAIN, validation=VALIDATION, seed=5)
    with pytest.raises(InputError, match="missing: 1"):
        fit_classes(model, inputs, 0 * classes, train=TRAIN, validation=VALIDATION, seed=5)
