"""Candidates that are labels without cells: read by the models that can, refused by name by the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, predict
from aiida_mlhull.science.ensembles.familiar import learned_from
from aiida_mlhull.science.ensembles.labels_only import check_sees_unrelaxed
from aiida_mlhull.science.ensembles.rows import model_rows, training_rows, with_earlier
from aiida_mlhull.science.errors import CrystalError, SettingsError
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Candidates, Labels, ModelRows, TrainingRows
from tests.science.real_crystals import pnictides

TINY = {"hidden_width": 8, "layers": 1, "output_widths": (8,), "max_epochs": 2}


@pytest.fixture(scope="module")
def rows():
    """Pnictides with their cells."""
    return pnictides().take(np.arange(0, 354, 3))


@pytest.fixture(scope="module")
def candidates(rows):
    """The same as labels."""
    return Candidates(
        ids=rows.ids,
        formulas=rows.formulas,
        crystals=None,
        protostructures=protostructures(rows.crystals),
        origins=np.full(len(rows), ""),
    )


@pytest.fixture(scope="module")
def results(rows):
    return Labels(
        ids=rows.ids,
        formulas=rows.formulas,
        energies=rows.energies,
        crystals=rows.relaxed,
        failures=np.full(len(rows), ""),
        core_minutes=np.zeros(len(rows)),
        stage="final",
        engine="record",
        scheme="",
    )


def asked_about(rows: TrainingRows) -> ModelRows:
    return ModelRows(
        ids=rows.ids,
        formulas=rows.formulas,
        crystals=rows.crystals,
        baselines=rows.baselines,
        protostructures=rows.protostructures,
    )


def answers(training: TrainingRows, settings: EnsembleSettings) -> np.ndarray:
    members = [fit_member(training, settings, member=number, seed=4) for number in range(settings.members)]
    return predict(gather(members, settings=settings), asked_about(training)).members


@pytest.mark.parametrize("cells", ["unrelaxed", "both", "relaxed"])
@pytest.mark.parametrize(("model", "own"), [("wren", TINY), ("roost", TINY), ("mean", {})])
def test_labels_say_as_much_as_cells(rows, candidates, results, model, own, cells):
    """To models that read labels or compositions; a cell's volume or places would be seen as a difference."""
    settings = EnsembleSettings(model=model, model_settings=own, members=1, cells=cells)
    by_label = training_rows(candidates, results, None, baseline="none").rows
    by_cell = replace(by_label, crystals=rows.crystals, protostructures=None)
    if model == "wren":  # several spellings of a label may come from the two, never several meanings
        assert np.unique(by_label.protostructures).size > 60
    np.testing.assert_allclose(answers(by_label, settings), answers(by_cell, settings), rtol=0, atol=2e-6)


def test_the_composition_of_a_label_is_its_formulas(candidates):
    rows = model_rows(candidates, None, baseline="none")
    assert rows.crystals.reduced_formulas() == candidates.formulas.tolist()
    assert rows.protostructures.tolist() == candidates.protostructures.tolist()


@pytest.mark.parametrize("model", ["trees_gp", "cgcnn", "sine_kernel"])
def test_models_that_look_at_cells_refuse_and_name_others(candidates, results, model):
    training = training_rows(candidates, results, None, baseline="none").rows
    with pytest.raises(CrystalError, match=rf"{model} looks at cells.*wren"):
        fit_member(training, EnsembleSettings(model=model, members=1), member=0, seed=1)


def test_an_ensemble_that_learned_from_cells_refuses_labels(rows, candidates):
    settings = EnsembleSettings(model="magpie_forest", members=1, model_settings={"trees": 5})
    forest = gather([fit_member(rows, settings, member=0, seed=1)], settings=settings)
    labels = model_rows(candidates, None, baseline="none")
    assert np.isfinite(predict(forest, labels).mean).all()
    seeing = EnsembleSettings(model="trees_gp", members=1)
    trees = gather([fit_member(rows, seeing, member=0, seed=1)], settings=seeing)
    with pytest.raises(CrystalError, match="trees_gp looks at cells"):
        predict(trees, labels)


def test_results_of_earlier_campaigns_are_learned_from_by_their_labels(rows, candidates, results):
    half = np.arange(len(rows)) % 2 == 0
    own = training_rows(candidates.take(half), results.take(half), None, baseline="none").rows
    both = with_earlier(own, rows.take(~half))
    assert both.protostructures.tolist() == candidates.protostructures.tolist()


def test_what_was_learned_says_nothing_of_cells_that_were_not_there(candidates, results):
    told = learned_from(training_rows(candidates, results, None, baseline="none").rows, "scheme")
    assert set(told) == {"elements", "scheme", "rows"}


def test_blind_members_need_cells_before_any_stage():
    check_sees_unrelaxed(EnsembleSettings(model="wren", blind_members=1))
    check_sees_unrelaxed(EnsembleSettings(model="trees_gp"))
    with pytest.raises(SettingsError, match="blind members of trees_gp"):
        check_sees_unrelaxed(EnsembleSettings(model="trees_gp", blind_members=1))
