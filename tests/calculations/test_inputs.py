"""Inputs that contradict each other are refused before anything is stored, in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run

from aiida_mlhull.calculations.fit import FitCalculation
from aiida_mlhull.calculations.predict import PredictCalculation
from aiida_mlhull.calculations.relax import RelaxCalculation
from aiida_mlhull.data import CandidatesData, DecisionsData, ReferencesData
from tests.arsenides import choice, every_sixth


def jobs() -> int:
    return orm.QueryBuilder().append(orm.CalcJobNode).count()


def assert_refused(process, inputs, words: str) -> None:
    before = jobs()
    with pytest.raises(ValueError, match=words):
        run(process, **inputs)
    assert jobs() == before


def test_fit_of_an_unknown_model(fit_inputs):
    assert_refused(FitCalculation, fit_inputs | {"settings": orm.Dict({"model": "oracle"})}, "unknown model 'oracle'")


def test_fit_of_a_member_too_many(fit_inputs):
    assert_refused(FitCalculation, fit_inputs | {"members": orm.List([0, 2])}, r"\[2\] are not among 0 to 1")


def test_fit_with_an_unknown_baseline(fit_inputs):
    assert_refused(FitCalculation, fit_inputs | {"baseline": orm.Str("guess")}, "baseline")


def test_fit_measured_from_a_stage_that_was_not(fit_inputs):
    assert_refused(FitCalculation, fit_inputs | {"baseline": orm.Str("stage")}, "needs labels of the stage before")


def test_fit_without_an_end_member(fit_inputs):
    references = every_sixth().references
    poor = ReferencesData.from_science(references.take(~np.isin(references.formulas, ["Cd", "Rb"])))
    assert_refused(FitCalculation, fit_inputs | {"references": poor}, "no pure Cd, Rb")


def test_fit_of_labels_without_cells(fit_inputs):
    names = CandidatesData.from_science(replace(every_sixth().candidates, crystals=None))
    assert_refused(FitCalculation, fit_inputs | {"cells": {"a": names}}, "without cells")


def test_prediction_for_an_empty_pool(code, arsenides, empty_ensemble):
    inputs = {
        "code": code,
        "ensemble": empty_ensemble,
        "cells": arsenides.candidates,
        "pool": DecisionsData.from_science(choice(every_sixth().candidates, [])),
        "references": arsenides.references,
        "baseline": orm.Str("references"),
    }
    assert_refused(PredictCalculation, inputs, "no row that is kept")


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ({"name": "a", "settings": {"potential": "crystal_ball"}}, "unknown potential 'crystal_ball'; known: .*chgnet"),
        ({"name": "a", "settings": {"relaxation": {"max_force": -1}}}, "max_force"),
        ({"name": "a", "settings": {"speed": "high"}}, "speed"),
        ({"settings": {}}, "stage"),
    ],
)
def test_relaxation_with_wrong_settings(code, arsenides, stage, words):
    inputs = {
        "code": code,
        "cells": arsenides.candidates,
        "chosen": DecisionsData.from_science(choice(every_sixth().candidates, [0])),
        "stage": orm.Dict(stage),
    }
    assert_refused(RelaxCalculation, inputs, words)


@pytest.fixture
def empty_ensemble():
    """An ensemble that is never asked."""
    from aiida_mlhull.data import EnsembleData
    from tests.data.nouns import ensemble

    return EnsembleData.from_science(ensemble())
