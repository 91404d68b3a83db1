"""What every registered keep-rule has to keep to; a new rule is tested without a new test."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from aiida_mlhull.science.errors import MissingEndMembersError
from aiida_mlhull.science.triage import RULES
from aiida_mlhull.science.triage.base import Rule
from aiida_mlhull.science.types import Decisions, Predictions, References

SETTINGS = {
    "oracle": {"energies": {f"c-{i:02d}": -1.0 - i / 100 for i in range(40)}},
}
"""Only rules that can't do without; all others are tested as they come."""


@pytest.fixture(params=list(RULES))
def name(request):
    return request.param


@pytest.fixture
def rule(name):
    cls = RULES[name]
    return cls(cls.Settings(**SETTINGS.get(name, {})))


@pytest.fixture
def known():
    return References.from_rows(
        ids=["Li", "O", "Ti", "mp-1", "mp-2"],
        formulas=["Li", "O", "Ti", "Li2O", "TiO2"],
        energies=np.asarray([-1.9, -4.9, -7.8, -4.8, -8.9]),
    )


@pytest.fixture
def predictions():
    """Forty candidates around the hull, polymorphs among them, five members."""
    rng = np.random.default_rng(3)
    formulas = np.asarray(["Li2TiO3", "LiTiO2", "Ti2O3", "Li4Ti5O12", "TiO"])[np.arange(40) % 5]
    near = np.asarray([-7.3, -7.7, -8.8, -7.6, -8.5])[np.arange(40) % 5]
    return Predictions(
        ids=np.asarray([f"c-{i:02d}" for i in range(40)]),
        formulas=formulas,
        members=near[:, None] + rng.normal(0.1, 0.25, (40, 1)) + rng.normal(0, 0.05, (40, 5)),
        member_aleatoric=np.full((40, 5), 0.04),
        model="made up",
    )


def test_it_is_a_rule(rule):
    assert isinstance(rule, Rule)
    assert rule.Settings(**rule.settings.model_dump(mode="json")) == rule.settings


def test_every_row_is_decided_with_a_reason(rule, name, predictions, known):
    decisions = rule.decide(predictions, known, seed=1)
    assert isinstance(decisions, Decisions)
    assert decisions.ids.tolist() == predictions.ids.tolist()
    assert decisions.formulas.tolist() == predictions.formulas.tolist()
    assert decisions.rule == name
    assert decisions.unit
    assert all(reason.isidentifier() for reason in decisions.reasons)
    assert set(decisions.reasons[decisions.keep]).isdisjoint(decisions.reasons[~decisions.keep])
    for column in (decisions.values, decisions.thresholds, decisions.margins, decisions.scores):
        assert column.dtype == np.float64
        assert np.isfinite(column).all()


def test_margin_tells_the_side(rule, predictions, known):
    decisions = rule.decide(predictions, known, seed=1)
    assert (decisions.margins[decisions.keep] >= 0).all()
    assert (decisions.margins[~decisions.keep] <= 0).all()
    np.testing.assert_allclose(np.abs(decisions.margins), np.abs(decisions.values - decisions.thresholds), atol=1e-12)


def test_the_same_inputs_give_the_same_bits(rule, predictions, known):
    first, second = (rule.decide(predictions, known, seed=7) for _ in range(2))
    for (column, one), (_, other) in zip(first.columns(), second.columns(), strict=True):
        assert one.tobytes() == other.tobytes(), column


def test_one_candidate_is_enough(rule, predictions, known):
    assert len(rule.decide(predictions.take([3]), known, seed=0)) == 1


def test_no_candidates_no_decisions(rule, predictions, known):
    assert len(rule.decide(predictions.take(np.zeros(40, dtype=bool)), known, seed=0)) == 0


def test_missing_end_members_are_refused(rule, predictions, known):
    with pytest.raises(MissingEndMembersError, match="Ti"):
        rule.decide(predictions, known.without(["Ti"]), seed=0)


def test_certain_predictions_are_no_trouble(rule, predictions, known):
    certain = Predictions(
        ids=predictions.ids,
        formulas=predictions.formulas,
        members=predictions.members[:, :1],
        member_aleatoric=np.zeros((40, 1)),
    )
    assert np.isfinite(rule.decide(certain, known, seed=0).scores).all()


def test_unknown_settings_are_refused(rule):
    with pytest.raises(ValidationError, match="extra"):
        rule.Settings(**rule.settings.model_dump(), nonsense=1)
