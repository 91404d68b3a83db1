"""From VASP's ionic steps to models that learn from them: engine, fit, and a campaign that collects them.

VASP's calculations are recorded runs of the stand-in, which is NOT VASP: it relaxes with the potential, so that
the engine ``potential`` has to make the same of the same crystals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import calcfunction, run_get_node

from aiida_mlhull.data import CandidatesData, DecisionsData, LabelsData, ReferencesData
from aiida_mlhull.engines.potential import PotentialEngine
from aiida_mlhull.engines.recorded import RecordedEngine
from aiida_mlhull.engines.vasp.engine import VaspEngine
from aiida_mlhull.science.ensembles.steps import candidate_of, step_ids
from aiida_mlhull.science.relaxation.conventions import MP2020_CORRECTED
from aiida_mlhull.science.types import Candidates, Labels, References
from aiida_mlhull.workflows.fit import FitEnsemble
from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import choice, simplest
from tests.campaign_inputs import campaign_inputs
from tests.changed_processes import redefined
from tests.engines.test_vasp import OPTIONS, rock_salts
from tests.programs import computer_in
from tests.vasp_codes import placeholders, replayed

pytestmark = pytest.mark.slow

METALS = {"Mg": 0.0, "Ca": 0.5, "Sr": 0.85, "Ba": 1.2, "Cd": 0.4}
ANIONS = {"O": 4.35, "S": 5.3, "Se": 5.6, "Te": 6.1}
ELEMENTS = {
    "Mg": -1.6, "Ca": -2.0, "Sr": -1.7, "Ba": -1.9, "Cd": -0.9, "O2": -4.95, "S": -4.1, "Se": -3.5, "Te": -3.1,
}  # fmt: skip
"""eV/atom, roughly: nothing here depends on them."""
RELAXED = ["BaTe_rock_salt", "CaS_rock_salt", "MgO_rock_salt", "SrSe_rock_salt"]
AT_MOST = 3
MODELS = {"model": "trees_gp", "model_settings": {"trees": 10}, "members": 1, "ionic_steps": AT_MOST}


def salts() -> Candidates:
    """Twenty rock salts a few percent off their volumes."""
    return rock_salts(**{metal + anion: a + b for metal, b in METALS.items() for anion, a in ANIONS.items()})


@pytest.fixture(scope="module")
def by_vasp(aiida_profile, tmp_path_factory) -> int:
    """Four of them relaxed, their steps kept; the process's pk."""
    folder, cells = tmp_path_factory.mktemp("by-vasp"), salts()

    def install(**words: str) -> Any:
        computer = computer_in(folder)
        return orm.InstalledCode(computer=computer, **words).store()

    settings = {
        "protocol": "mp-compatible",
        "corrections": "mp2020",
        "incar": {"ediffg": -0.01},
        "keep_steps": True,
    }
    potentials = placeholders(folder / "potentials", "Mg_pv", "Ca_sv", "Sr_sv", "Ba_sv", "O", "S", "Se", "Te")
    _, node = run_get_node(
        VaspEngine,
        code=replayed(install, folder, "steps"),
        potential_family=orm.Str(potentials),
        cells=CandidatesData.from_science(cells),
        chosen=DecisionsData.from_science(choice(cells, cells.positions(RELAXED))),
        stage=orm.Dict({"name": "final", "engine": "vasp", "settings": settings}),
        options=orm.Dict(OPTIONS),
    )
    return node.pk


@pytest.fixture
def relaxed(by_vasp) -> orm.WorkChainNode:
    node = orm.load_node(by_vasp)
    assert node.is_finished_ok, node.exit_message
    return node


def owners_of(steps: Labels) -> list[str]:
    return [candidate_of(name) for name in steps.ids.tolist()]


def test_models_learn_from_vasps_steps_and_the_graph_shows_it(relaxed, code) -> None:
    """Thirteen further labels, made up: a fit needs sixteen."""
    cells, labels = salts(), relaxed.outputs.labels.to_science()
    others = cells.without(RELAXED).take(range(13))
    made_up = Labels.from_rows(
        ids=others.ids,
        formulas=others.formulas,
        energies=np.linspace(-5.0, -3.0, len(others)),
        crystals=others.crystals,
        failures=[""] * len(others),
        core_minutes=np.zeros(len(others)),
        protostructures=[""] * len(others),
        stage="final",
        engine="by hand",
        scheme=labels.scheme,
    )
    references = References.from_rows(
        ids=[f"element:{name}" for name in ELEMENTS],
        formulas=list(ELEMENTS),
        energies=list(ELEMENTS.values()),
        scheme=labels.scheme,
    )
    _, node = run_get_node(
        FitEnsemble,
        code=orm.load_code(code),
        cells={"all": CandidatesData.from_science(cells)},
        results={"vasp": relaxed.outputs.labels, "by_hand": LabelsData.from_science(made_up)},
        steps={"final": relaxed.outputs.steps},
        references=ReferencesData.from_science(references),
        settings=orm.Dict(MODELS),
        baseline=orm.Str("references"),
        seed=orm.Int(0),
    )
    assert node.is_finished_ok, node.exit_message
    (fit,) = [one for one in node.called if one.process_label == "FitCalculation"]
    told = fit.outputs.results.get_dict()
    _, counts = np.unique(owners_of(relaxed.outputs.steps.to_science()), return_counts=True)
    assert counts.max() > AT_MOST
    assert (told["n_training"], told["n_steps"]) == (17, int(np.minimum(counts, AT_MOST).sum()))
    assert fit.inputs.steps.final.uuid == relaxed.outputs.steps.uuid
    query = orm.QueryBuilder().append(orm.CalcJobNode, filters={"id": fit.pk}, tag="fit")
    query.append(orm.CalcJobNode, with_descendants="fit", project="label")
    assert sorted(query.distinct().all(flat=True)) == RELAXED


def test_the_last_step_is_the_relaxed_cell(relaxed) -> None:
    labels, steps = relaxed.outputs.labels.to_science(), relaxed.outputs.steps.to_science()
    owners = owners_of(steps)
    assert sorted(set(owners)) == labels.ids.tolist() == RELAXED
    last = [len(owners) - 1 - owners[::-1].index(name) for name in RELAXED]
    assert np.allclose(steps.crystals.lattices[last], labels.crystals.lattices, atol=1e-6)


def test_the_same_stage_by_the_potential_gives_the_same_energies(relaxed, code) -> None:
    pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")
    ours, cells = relaxed.outputs.labels.to_science(), salts()
    stage = {"name": "final", "engine": "potential", "settings": {"relaxation": {"freedom": "full", "max_force": 0.01}}}
    outputs, node = run_get_node(
        PotentialEngine,
        code=orm.load_code(code),
        cells=CandidatesData.from_science(cells),
        chosen=DecisionsData.from_science(choice(cells, cells.positions(RELAXED))),
        stage=orm.Dict(stage),
    )
    assert node.is_finished_ok, node.exit_message
    theirs = outputs["labels"].to_science()
    assert theirs.scheme == ours.scheme == MP2020_CORRECTED
    assert theirs.succeeded.all()
    assert ours.succeeded.all()
    assert np.abs(ours.energies - theirs.energies).max() < 1e-3


@calcfunction
def two_steps_each(labels: LabelsData) -> LabelsData:
    """Steps of a stage whose record knows none: its cells, twice."""
    rows = labels.to_science()
    twice = np.repeat(np.arange(len(rows)), 2)
    return LabelsData.from_science(
        Labels.from_rows(
            ids=[step for name in rows.ids.tolist() for step in step_ids(name, rows.stage, 2)],
            formulas=rows.formulas[twice],
            energies=rows.energies[twice],
            crystals=rows.crystals.take(twice),
            failures=rows.failures[twice],
            core_minutes=rows.core_minutes[twice],
            stage=rows.stage,
            engine=rows.engine,
            scheme=rows.scheme,
        )
    )


@pytest.fixture
def record_with_steps(monkeypatch) -> None:
    """An engine that keeps steps and answers at once."""
    genuine = RecordedEngine.look_up

    def look_up(self: RecordedEngine) -> None:
        genuine(self)
        self.out("steps", two_steps_each(self.outputs["labels"]))

    keeps = classmethod(lambda cls, stage: True)
    redefined(monkeypatch, RecordedEngine, look_up=look_up, keeps_steps=keeps)


def test_a_campaign_hands_all_steps_so_far_to_every_fit(record_with_steps, code) -> None:
    """A start set and two rounds: each round's models learn from the steps of all before it."""
    gate = {"rule": "top_n", "rule_settings": {"n": 8}, "rounds": 2, "batch": 4}
    stage = {"name": "final", "engine": "recorded", "core_minutes": 605, "gate": gate}
    settings = {"seed": 1, "start": 16, "stages": [stage], "ensemble": MODELS}
    _, node = run_get_node(Screen, **campaign_inputs(orm.load_code(code), simplest(40), settings, n_shards=1))
    assert node.is_finished_ok, node.exit_message
    engines = [one for one in node.called if one.process_label == "RecordedEngine"]
    fits = [one for one in node.called_descendants if one.process_label == "FitCalculation"]
    assert len(fits) == 2
    for fit in sorted(fits, key=lambda one: one.pk):
        before = {one.outputs.steps.uuid for one in engines if one.pk < fit.pk}
        assert {table.uuid for table in fit.inputs.steps.values()} == before
        told = fit.outputs.results.get_dict()
        assert told["n_steps"] == 2 * told["n_training"]
    assert fits[0].outputs.results["n_steps"] != fits[1].outputs.results["n_steps"]
    assert not any(str(node.pk) in key for fit in fits for key in fit.inputs.steps)  # or no cache would find them
