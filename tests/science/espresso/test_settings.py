"""Protocols of pw.x: those of aiida-quantumespresso, what a stage lays over them, and what it may not say."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from aiida_mlhull.science.errors import UnknownNameError
from aiida_mlhull.science.espresso import PROTOCOLS, EspressoSettings, read_step
from tests.science.espresso.families import step


def test_all_protocols_have_the_same_steps():
    assert PROTOCOLS.names() == ["balanced", "fast", "stringent"]
    for name in PROTOCOLS.names():
        assert list(PROTOCOLS.load(name)["steps"]) == ["cell", "coarse", "final"]
        assert [step(stage, name).must_converge for stage in ("cell", "coarse", "final")] == [False, False, True]


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_the_final_step_is_the_protocol_of_aiida_quantumespresso(name):
    base = pytest.importorskip("aiida_quantumespresso.workflows.pw.base").PwBaseWorkChain
    theirs, ours = base.get_protocol_inputs(name), step("final", name)
    parameters = theirs["pw"]["parameters"]
    assert ours.kpoints_distance == theirs["kpoints_distance"]
    assert ours.conv_thr_per_atom == pytest.approx(theirs["meta_parameters"]["conv_thr_per_atom"])
    assert ours.etot_conv_thr_per_atom == pytest.approx(theirs["meta_parameters"]["etot_conv_thr_per_atom"])
    assert ours.parameters["CONTROL"]["forc_conv_thr"] == parameters["CONTROL"]["forc_conv_thr"]
    assert ours.parameters["ELECTRONS"] == parameters["ELECTRONS"]
    assert ours.parameters["SYSTEM"] == parameters["SYSTEM"]


@pytest.mark.parametrize("stage", ["cell", "coarse"])
def test_the_first_steps_are_its_initial_relaxation(stage):
    relax = pytest.importorskip("aiida_quantumespresso.workflows.pw.relax").PwRelaxWorkChain
    theirs, ours = relax.get_protocol_inputs("balanced")["base_init_relax"], step(stage, "balanced")
    assert ours.kpoints_distance == theirs["kpoints_distance"]
    assert ours.conv_thr_per_atom == theirs["meta_parameters"]["conv_thr_per_atom"]
    assert ours.etot_conv_thr_per_atom == theirs["meta_parameters"]["etot_conv_thr_per_atom"]
    assert ours.parameters["CONTROL"]["forc_conv_thr"] == theirs["pw"]["parameters"]["CONTROL"]["forc_conv_thr"]
    assert ours.parameters["CELL"]["press_conv_thr"] == theirs["pw"]["parameters"]["CELL"]["press_conv_thr"]


def test_a_stage_lays_its_own_over_the_protocol_variable_by_variable():
    plain = step("coarse")
    own = step(
        "coarse",
        kpoints_distance=0.5,
        must_converge=True,
        parameters={"ELECTRONS": {"mixing_beta": 0.7, "electron_maxstep": None}, "IONS": {"upscale": 10}},
    )
    assert own.kpoints_distance == 0.5
    assert own.must_converge
    assert own.parameters["ELECTRONS"] == {"mixing_beta": 0.7}
    assert own.parameters["IONS"] == {"upscale": 10}
    assert own.parameters["SYSTEM"] == plain.parameters["SYSTEM"]
    assert own.max_steps == plain.max_steps == 30


def test_the_stage_names_the_step_unless_it_says_so():
    assert read_step(EspressoSettings(protocol="fast", step="cell"), stage="anything").freedom == "cell"
    with pytest.raises(UnknownNameError, match="no step 'relax'.*cell, coarse, final"):
        read_step(EspressoSettings(protocol="fast"), stage="relax")
    with pytest.raises(UnknownNameError, match="unknown protocol of Quantum ESPRESSO 'quick'.*balanced"):
        read_step(EspressoSettings(protocol="quick"), stage="final")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"parameters": {"SYSTEM": {"ecutwfc": 30}}}, "not in parameters: ecutwfc"),
        ({"parameters": {"CONTROL": {"calculation": "scf"}}}, "not in parameters: calculation"),
        ({"parameters": {"CELL": {"cell_dofree": "volume"}}}, "not in parameters: cell_dofree"),
        ({"parameters": {"SYSTEM": {"ECUTWFC": 30}}}, "in lower case: ECUTWFC"),
        ({"parameters": {"SYSTEMS": {}}}, "SYSTEM"),
        ({"elements": {"Fe": {"u": 4.0}}}, "u and manifold"),
        ({"freedom": "volume"}, "'static', 'cell'"),
        ({"nonsense": 1}, "Extra inputs"),
    ],
)
def test_what_has_a_place_of_its_own_is_refused_elsewhere(settings, words):
    with pytest.raises(ValidationError, match=words):
        EspressoSettings(protocol="fast", **settings)
