"""What every registered engine has to keep to; a new engine is tested without a new test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from pymatgen.core import Composition, Element, Lattice, Structure

from aiida_mlhull.data import CandidatesData, DecisionsData, LabelsData
from aiida_mlhull.engines import ENGINES
from aiida_mlhull.engines.base import Engine
from aiida_mlhull.job_pool.lane import DEFAULT_OPTIONS
from aiida_mlhull.science.campaign import StageSettings
from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.types import Candidates, Crystals
from aiida_mlhull.science.vasp import VaspSettings, potential_names, read_step
from tests.arsenides import choice, simplest
from tests.programs import installed
from tests.pw_codes import NO_PW, PW_X, pw_inputs
from tests.vasp_codes import placeholders, replayed

CHOSEN = [0, 2, 3]
SETTINGS: dict[str, dict[str, Any]] = {
    "potential": {"relaxation": {"freedom": "volume", "max_steps": 5}},
    "quantumespresso": {"protocol": "fast", "step": "coarse", "freedom": "static", "kpoints_distance": 0.8},
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
def cells(name) -> Candidates:
    """Six arsenides; for pw.x what there are pseudopotentials for beside the tests."""
    return magnesium_silicides() if name == "quantumespresso" else simplest(6).candidates


def magnesium_silicides() -> Candidates:
    """Six cells of one to three atoms."""
    silicon, magnesium = Element("Si"), Element("Mg")
    half = [0.5, 0.5, 0.5]
    structures = [
        Structure(Lattice.cubic(2.6), [silicon], [[0, 0, 0]]),
        Structure(Lattice.cubic(3.0), [magnesium], [[0, 0, 0]]),
        *(Structure(Lattice.cubic(3.2 + 0.05 * step), [silicon, magnesium], [[0, 0, 0], half]) for step in range(4)),
    ]
    crystals = Crystals.from_structures(structures)
    return Candidates.from_rows(
        ids=[f"cell_{index}" for index in range(6)],
        formulas=crystals.reduced_formulas(),
        crystals=crystals,
        protostructures=[""] * 6,
        origins=["by hand"] * 6,
    )


@pytest.fixture
def own_inputs(engine, name, aiida_code_installed, tmp_path) -> dict[str, Any]:
    """What an engine asks for beside what all are given; VASP's runs are recorded ones of the stand-in."""
    offers = {"code": installed(aiida_code_installed), "record": LabelsData.from_science(simplest(6).record)}
    if name == "quantumespresso":
        offers = pw_inputs(aiida_code_installed)
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
def test_every_chosen_candidate_is_a_row_in_the_scheme_that_was_announced(
    engine, name, stage, cells, own_inputs
) -> None:
    if name == "quantumespresso" and PW_X is None:
        pytest.skip(NO_PW)
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


def test_candidates_that_it_can_serve_pass_its_check(engine, stage, cells, own_inputs) -> None:
    engine.check(own_inputs, [cells], [StageSettings.model_validate(stage)])


def test_words_of_a_campaign_file_that_it_does_not_know_are_refused(engine) -> None:
    with pytest.raises(SettingsError, match="nonsense"):
        engine.load_inputs({"nonsense": 1})
