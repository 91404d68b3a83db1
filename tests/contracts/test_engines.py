"""What every registered engine has to keep to; a new engine is tested without a new test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from pymatgen.core import Composition

from aiida_mlhull.data import CandidatesData, DecisionsData, LabelsData
from aiida_mlhull.engines import ENGINES
from aiida_mlhull.engines.base import Engine
from aiida_mlhull.engines.vasp.lane import DEFAULT_OPTIONS
from aiida_mlhull.science.campaign import StageSettings
from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.vasp import VaspSettings, potential_names, read_step
from tests.arsenides import choice, simplest
from tests.programs import installed
from tests.vasp_codes import placeholders, replayed

CHOSEN = [0, 2, 3]
SETTINGS: dict[str, dict[str, Any]] = {
    "potential": {"relaxation": {"freedom": "volume", "max_steps": 5}},
    "vasp": {"protocol": "ekstrom-2022", "step": "preprerelax", "incar": {"nsw": 3}},
}
"""Cheap ones, for engines that really compute."""


@pytest.fixture(params=list(ENGINES))
def name(request) -> str:
    return request.param


@pytest.fixture
def engine(name) -> type[Engine]:
    return ENGINES[name]


@pytest.fixture
def stage(name) -> dict[str, Any]:
    return {"name": "only", "engine": name, "settings": SETTINGS.get(name, {})}


@pytest.fixture
def own_inputs(engine, name, aiida_code_installed, tmp_path) -> dict[str, Any]:
    """What an engine asks for beside what all are given; VASP's runs are recorded ones of the stand-in."""
    offers = {"code": installed(aiida_code_installed), "record": LabelsData.from_science(simplest(6).record)}
    if name == "vasp":
        elements = {element for formula in simplest(6).candidates.formulas for element in Composition(formula)}
        symbols = sorted(element.symbol for element in elements)
        names = potential_names(symbols, read_step(VaspSettings(**SETTINGS[name]), stage="only")).values()
        (tmp_path / "potentials").mkdir()
        offers = {
            "code": replayed(aiida_code_installed, tmp_path, "contract"),
            "potential_family": orm.Str(placeholders(tmp_path / "potentials", *names)),
            "options": orm.Dict({**DEFAULT_OPTIONS, "withmpi": False}),
        }
    return {key: node for key, node in offers.items() if key in engine.spec().inputs}


def test_its_contract_is_the_base_class(engine) -> None:
    assert issubclass(engine, Engine)
    assert {"cells", "chosen", "stage"} <= set(engine.spec().inputs)
    assert "labels" in engine.spec().outputs


def test_unknown_settings_are_refused_before_anything_runs(engine, name) -> None:
    wrong = {"name": "only", "engine": name, "settings": {**SETTINGS.get(name, {}), "nonsense": 1}}
    with pytest.raises(SettingsError, match=f"stage only, engine {name}: nonsense: unknown key"):
        engine.read_settings(StageSettings.model_validate(wrong))
    told = engine.validate_stage(orm.Dict(wrong), None)
    assert told is not None
    assert "nonsense" in told


@pytest.mark.slow
def test_every_chosen_candidate_is_a_row_in_the_scheme_that_was_announced(engine, stage, own_inputs) -> None:
    cells = simplest(6).candidates
    outputs, node = run_get_node(
        engine,
        cells=CandidatesData.from_science(cells),
        chosen=DecisionsData.from_science(choice(cells, CHOSEN)),
        stage=orm.Dict(stage),
        **own_inputs,
    )
    assert node.is_finished_ok, node.exit_message
    labels = outputs["labels"].to_science()
    assert labels.ids.tolist() == cells.ids[CHOSEN].tolist()
    assert labels.formulas.tolist() == cells.formulas[CHOSEN].tolist()
    assert labels.crystals.n_sites.tolist() == cells.crystals.n_sites[CHOSEN].tolist()
    assert labels.stage == "only"
    assert labels.engine
    assert (np.isfinite(labels.energies) == (labels.failures == "")).all()
    assert (labels.core_minutes >= 0).all()
    assert labels.scheme == engine.scheme(StageSettings.model_validate(stage), own_inputs) != ""
    assert labels.cost_basis == ("measured" if engine.measures_cost else "nominal")


def test_candidates_that_it_can_serve_pass_its_check(engine, stage, own_inputs) -> None:
    engine.check(own_inputs, [simplest(6).candidates], [StageSettings.model_validate(stage)])


def test_words_of_a_campaign_file_that_it_does_not_know_are_refused(engine) -> None:
    with pytest.raises(SettingsError, match="nonsense"):
        engine.load_inputs({"nonsense": 1})
