"""The keep-rules on a binary that can be worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.triage import RULES
from aiida_mlhull.science.triage.base import chance_below, ranks
from aiida_mlhull.science.types import Predictions, References


def made(rule, **settings):
    cls = RULES[rule]
    return cls(cls.Settings(**settings))


@pytest.fixture
def known():
    """Li and O at zero, LiO at -1 eV/atom."""
    return References.from_rows(
        ids=["Li", "O", "x"], formulas=["Li", "O", "LiO"], energies=np.asarray([0.0, 0.0, -1.0])
    )


@pytest.fixture
def predictions():
    """a and b are LiO 0.1 below and 0.1 above what is known, c is Li3O 0.2 above; σ = 0.05, 0.12, 0.13.

    On the predicted hull, with a at -1.1, the distances are 0, 0.2 and 0.25 eV/atom.
    """
    return Predictions(
        ids=np.asarray(["a", "b", "c"]),
        formulas=np.asarray(["LiO", "LiO", "Li3O"]),
        members=np.asarray([[-1.1, -1.1], [-0.9, -0.9], [-0.3, -0.3]]),
        member_aleatoric=np.asarray([[0.05, 0.05], [0.12, 0.12], [0.13, 0.13]]),
    )


def test_two_sigma_measures_on_the_predicted_hull(predictions, known):
    decisions = made("two_sigma").decide(predictions, known)
    np.testing.assert_allclose(decisions.values, [0.0, 0.2, 0.25], atol=1e-14)
    np.testing.assert_allclose(decisions.thresholds, [0.1, 0.24, 0.26], atol=1e-14)
    assert decisions.keep.tolist() == [True, True, True]
    narrow = made("two_sigma", k=1.8).decide(predictions, known)
    assert narrow.keep.tolist() == [True, True, False]
    assert narrow.reasons.tolist() == ["within_threshold", "within_threshold", "above_threshold"]
    np.testing.assert_allclose(narrow.margins, [0.09, 0.016, -0.016], atol=1e-14)


def test_two_sigma_keeps_what_lies_on_the_predicted_hull_whatever_sigma(predictions, known):
    certain = Predictions(
        ids=predictions.ids,
        formulas=predictions.formulas,
        members=predictions.members,
        member_aleatoric=np.zeros((3, 2)),
    )
    assert made("two_sigma").decide(certain, known).keep.tolist() == [True, False, False]


def test_sigma_adjusted_asks_for_confidence(predictions, known):
    decisions = made("sigma_adjusted").decide(predictions, known)
    np.testing.assert_allclose(decisions.values, [-0.05, 0.22, 0.33], atol=1e-14)
    assert decisions.keep.tolist() == [True, False, False]
    against_predicted = made("sigma_adjusted", hull="predicted").decide(predictions, known)
    np.testing.assert_allclose(against_predicted.values, [-0.05, 0.32, 0.38], atol=1e-14)


def test_scores_are_chances_to_lie_below_what_is_known(predictions, known):
    scores = made("two_sigma").decide(predictions, known).scores
    np.testing.assert_allclose(scores, [0.977250, 0.202328, 0.061968], atol=1e-6)  # Φ(2), Φ(-1/1.2), Φ(-2/1.3)


def test_top_n(predictions, known):
    decisions = made("top_n", n=2).decide(predictions, known)
    assert decisions.keep.tolist() == [True, True, False]
    assert decisions.values.tolist() == [1.0, 2.0, 3.0]
    assert decisions.reasons.tolist() == ["rank_within_n", "rank_within_n", "rank_above_n"]
    assert made("top_n", n=1, by="energy").decide(predictions, known).scores.tolist() == pytest.approx(
        [0.1, -0.1, -0.2]
    )


def test_equal_scores_rank_in_the_order_of_rows():
    assert ranks(np.asarray([0.5, 0.9, 0.5, 0.9])).tolist() == [3, 1, 4, 2]


def test_chance_without_spread():
    np.testing.assert_allclose(
        chance_below(np.asarray([-0.1, 0.0, 0.1, 0.0]), np.asarray([0.0, 0.0, 0.0, 0.3])), [1, 0.5, 0, 0.5]
    )
