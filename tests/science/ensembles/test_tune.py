"""A search that is repeatable, and says what it has tried."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member
from aiida_mlhull.science.ensembles.tune import RANGES, Trial, best, searched, tune
from aiida_mlhull.science.errors import FitError, SettingsError
from tests.science.real_crystals import pnictides

NETWORK = {"atom_width": 8, "hidden_width": 8, "max_epochs": 4, "patience": 4}


def test_a_model_is_searched_over_the_settings_that_it_has():
    assert list(searched(EnsembleSettings(model="cgcnn"))) == ["learning_rate", "weight_decay", "layers"]
    assert list(searched(EnsembleSettings(model="magpie_forest"))) == ["trees", "max_features", "min_samples_leaf"]
    with pytest.raises(SettingsError, match="mean has none of the settings"):
        searched(EnsembleSettings(model="mean"))


def test_trials_are_kept_judged_and_repeatable():
    pytest.importorskip("optuna", reason="the extra 'tune' is not installed")
    rows = pnictides().take(np.arange(60))
    settings = EnsembleSettings(model="cgcnn", model_settings=NETWORK, members=1, loss="l1")
    kept, lines = [], []
    trials = tune(rows, settings, trials=3, seed=5, keep=kept.append, report=lines.append)
    assert kept == trials
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert [line.partition(":")[0] for line in lines] == ["trial 1 of 3", "trial 2 of 3", "trial 3 of 3"]
    for trial in trials:
        for name, value in trial.settings.items():
            assert RANGES[name].low <= value <= RANGES[name].high
    chosen = best(trials)
    again = EnsembleSettings(model="cgcnn", model_settings=NETWORK | chosen.settings, members=1, loss="l1")
    assert fit_member(rows, again, member=0, seed=5).scores["validation_mae"] == chosen.validation_mae
    repeated = tune(rows, settings, trials=3, seed=5)
    assert [(t.settings, t.validation_mae) for t in repeated] == [(t.settings, t.validation_mae) for t in trials]


def test_the_best_of_those_that_worked():
    trials = [Trial(0, {}, 0.3), Trial(1, {}, None, failure="diverged"), Trial(2, {}, 0.2), Trial(3, {}, 0.2)]
    assert best(trials).number == 2
    with pytest.raises(FitError, match="all 1 trials have failed; the last one: diverged"):
        best(trials[1:2])
