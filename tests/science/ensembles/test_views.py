"""Several potentials' energies for every row, and members that look at different ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.campaign import campaign_settings
from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, predict
from aiida_mlhull.science.ensembles.preparation import seen
from aiida_mlhull.science.ensembles.rows import model_rows
from aiida_mlhull.science.ensembles.settings import View
from aiida_mlhull.science.errors import SettingsError, WeightsError
from aiida_mlhull.science.models.regressors.stage_correction import StageCorrections, element_fractions
from aiida_mlhull.science.models.trees_gp import TreesGP, TreesGPSettings
from aiida_mlhull.science.types import Labels, ModelRows, TrainingRows
from tests.science.real_crystals import pnictides

QUICK = {"trees": 20, "tuning_rows": 60}


@pytest.fixture(scope="module")
def training() -> TrainingRows:
    """Real crystals of which two potentials know the truth, each off by a constant and an error of its own."""
    rows = pnictides().take(range(0, 354, 3))
    rng = np.random.default_rng(0)
    errors = rng.normal(0.0, [0.02, 0.02], (len(rows), 2))
    return replace(rows, stage_energies=rows.energies[:, None] + errors + [0.3, -0.2])


def asked(training: TrainingRows, **changes: object) -> ModelRows:
    columns = ("ids", "formulas", "crystals", "baselines", "stage_energies", "unrelaxed")
    return ModelRows(**{**{name: getattr(training, name) for name in columns}, **changes})


def test_two_opinions_are_worth_more_than_one(training: TrainingRows) -> None:
    model = TreesGP(TreesGPSettings(**QUICK))
    train, aside = np.arange(0, len(training), 2), np.arange(1, len(training), 2)

    def error(rows: TrainingRows) -> float:
        targets = rows.energies - rows.baselines
        chosen = {"train": train, "validation": aside, "loss": "robust_l1", "seed": 0}
        return model.fit(model.represent(asked(rows)), targets, **chosen).scores["validation_mae"]

    both = error(training)
    singles = [error(replace(training, stage_energies=training.stage_energies[:, [k]])) for k in (0, 1)]
    assert both < min(singles)


def test_a_cheap_level_hardly_counts_beside_a_good_one(training: TrainingRows) -> None:
    rng = np.random.default_rng(5)
    coarse = training.energies + rng.normal(0.0, 0.3, len(training))
    energies = np.column_stack([training.stage_energies[:, 0], coarse])
    rows = np.arange(len(training))
    fractions = element_fractions(training.crystals)
    found = StageCorrections.fit(energies, fractions, training.energies, rows)
    assert found.weights[1] < 0.02
    assert sum(found.weights) == pytest.approx(1.0)
    alike = StageCorrections.fit(training.stage_energies, fractions, training.energies, rows)
    assert 0.3 < alike.weights[0] < 0.7
    assert StageCorrections.from_json(found.to_json()) == found


def test_members_look_at_what_their_view_says(training: TrainingRows) -> None:
    views = (View(energies=(0,)), View(energies=(1,)), View())
    settings = EnsembleSettings(members=4, blind_members=1, views=views, model_settings=QUICK)
    ensemble = gather([fit_member(training, settings, member=k, seed=0) for k in range(4)], settings=settings)
    before = predict(ensemble, asked(training)).members
    for column, untouched in ((0, [1, 3]), (1, [0, 3])):
        energies = training.stage_energies.copy()
        energies[:, column] += 0.2
        moved = np.abs(predict(ensemble, asked(training, stage_energies=energies)).members - before).max(axis=0)
        assert (np.flatnonzero(moved == 0) == untouched).all()


def test_an_opinion_that_is_missing_is_done_without(training: TrainingRows) -> None:
    settings = EnsembleSettings(members=1, model_settings=QUICK)
    ensemble = gather([fit_member(training, settings, member=0, seed=0)], settings=settings)
    energies = training.stage_energies.copy()
    energies[::2, 1] = np.nan
    told, less = (
        predict(ensemble, asked(training, stage_energies=e)).mean for e in (training.stage_energies, energies)
    )
    assert np.abs(told - less).max() < 0.1
    np.testing.assert_array_equal(told[1::2], less[1::2])


def test_a_view_of_nothing_sees_the_first(training: TrainingRows) -> None:
    energies = training.stage_energies.copy()
    energies[3, 1] = np.nan
    rows = seen(asked(training, stage_energies=energies), View(energies=(1,)))
    assert rows.stage_energies[3, 0] == energies[3, 0]
    np.testing.assert_array_equal(np.delete(rows.stage_energies[:, 0], 3), np.delete(energies[:, 1], 3))


def test_a_view_of_relaxed_cells_alone(training: TrainingRows) -> None:
    rows = asked(training, unrelaxed=training.crystals)
    assert seen(rows, View()).unrelaxed is not None
    assert seen(rows, View(cells="relaxed")).unrelaxed is None


def test_what_isn_t_there_can_t_be_looked_at(training: TrainingRows) -> None:
    with pytest.raises(SettingsError, match=r"energy 2 .* gives 2"):
        seen(training, View(energies=(2,)))
    stages = [{"name": "potential", "engine": "potential"}, {"name": "final", "engine": "recorded", "gate": {}}]
    with pytest.raises(SettingsError, match=r"energy 1 of stage potential, which gives 1"):
        campaign_settings({"stages": stages, "ensemble": {"views": [{"energies": [1]}]}})
    stages[0]["settings"] = {"also": ["sevennet"]}
    campaign_settings({"stages": stages, "ensemble": {"views": [{"energies": [1]}]}})


def test_weights_fitted_with_two_want_two(training: TrainingRows) -> None:
    settings = EnsembleSettings(members=1, model_settings=QUICK)
    ensemble = gather([fit_member(training, settings, member=0, seed=0)], settings=settings)
    with pytest.raises(WeightsError, match="2 energies of the stage before, these rows have 1"):
        predict(ensemble, asked(training, stage_energies=training.stage_energies[:, :1]))


def test_members_of_earlier_versions_are_still_understood(training: TrainingRows) -> None:
    """They had one correction, as a mapping, and said whether they were blind."""
    one = replace(training, stage_energies=training.stage_energies[:, :1])
    settings = EnsembleSettings(members=1, model_settings=QUICK)
    now = gather([fit_member(one, settings, member=0, seed=0)], settings=settings)
    (member,) = now.members
    facts = {**member.meta, "blind": False, "stage_correction": member.meta["stage_correction"]["each"][0]}
    del facts["view"]
    then = replace(now, members=(replace(member, meta=facts),))
    np.testing.assert_array_equal(predict(then, asked(one)).members, predict(now, asked(one)).members)


def test_a_stage_s_further_energies_become_columns(training: TrainingRows) -> None:
    labels = Labels(
        ids=training.ids,
        formulas=training.formulas,
        energies=training.stage_energies[:, 0],
        crystals=training.crystals,
        failures=np.full(len(training), "", dtype=np.str_),
        core_minutes=np.zeros(len(training)),
        stage="potential",
        engine="chgnet; also sevennet",
        scheme="PBE",
        further_energies=training.stage_energies[:, 1:],
    )
    rows = model_rows(labels, None, baseline="stage")
    np.testing.assert_array_equal(rows.stage_energies, training.stage_energies)
    np.testing.assert_array_equal(rows.baselines, training.stage_energies[:, 0])
