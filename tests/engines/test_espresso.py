"""The engine quantumespresso with pw.x itself: nothing here is recorded or imitated but for what its name says."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from aiida.plugins import WorkflowFactory
from pymatgen.core import Lattice, Structure

from aiida_mlhull.calculations.espresso import family_of
from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.engines.quantumespresso.charge_density import density_to_start_from
from aiida_mlhull.engines.quantumespresso.engine import EspressoEngine
from aiida_mlhull.engines.quantumespresso.jobs import EspressoJobs
from aiida_mlhull.engines.quantumespresso.words import describe_family, load_family
from aiida_mlhull.job_pool.ended import account_of
from aiida_mlhull.science.campaign import StageSettings
from aiida_mlhull.science.errors import MissingPotentialError, MixedSchemesError, SettingsError
from aiida_mlhull.science.espresso.inputs import espresso_inputs, mesh
from aiida_mlhull.science.espresso.outcome import judge
from aiida_mlhull.science.hull.references import extended
from aiida_mlhull.science.types import Candidates, Crystals, References
from aiida_mlhull.science.types.reasons import Reason, Stated, code_of, is_stated
from tests.arsenides import choice
from tests.pw_codes import CUTOFFS, FAMILY, PW_WITH_U, family, needs_pw, needs_u, pw_code, pw_inputs

CHEAP = {
    "protocol": "fast",
    "kpoints_distance": 0.8,
    "conv_thr_per_atom": 1e-6,
    "etot_conv_thr_per_atom": 1e-3,
    "parameters": {"ELECTRONS": {"mixing_beta": 0.7}, "IONS": {"upscale": 10.0}},
    "look_every": 1,
}


def fluorite(side: float, metal: str = "Mg") -> Structure:
    half = side / 2
    return Structure(
        [[0, half, half], [half, 0, half], [half, half, 0]],
        [metal, "Si", metal],
        [[0.25, 0.25, 0.25], [0, 0, 0], [0.75, 0.75, 0.75]],
    )


def magnesium(side: float = 3.2) -> Structure:
    return Structure(Lattice.hexagonal(side, 5.2), ["Mg", "Mg"], [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]])


def crystals(**structures: Structure) -> Candidates:
    cells = Crystals.from_structures(list(structures.values()))
    return Candidates.from_rows(
        ids=list(structures),
        formulas=cells.reduced_formulas(),
        crystals=cells,
        protostructures=[""] * len(cells),
        origins=["by hand"] * len(cells),
    )


def stage_of(step: str, **settings: Any) -> dict[str, Any]:
    return {"name": step, "engine": "quantumespresso", "settings": {**CHEAP, **settings}}


@pytest.fixture
def relax(aiida_code_installed):
    """Relax candidates through a stage with pw.x."""

    def run(
        cells: Candidates, stage: dict[str, Any], *, given: Any = None, program: Path | None = None, **options: Any
    ) -> tuple[Any, Any]:
        outputs, node = run_get_node(
            EspressoEngine,
            cells=given or CandidatesData.from_science(cells),
            chosen=DecisionsData.from_science(choice(cells, range(len(cells)))),
            stage=orm.Dict(stage),
            jobs=orm.Dict({"max_in_flight": 1}),
            **pw_inputs(aiida_code_installed, program, **options),
        )
        assert node.is_finished_ok, node.exit_message
        return outputs, node

    return run


def called(node: orm.ProcessNode, label: str) -> list[orm.ProcessNode]:
    return [one for one in node.called_descendants if one.process_label == label]


@needs_pw
@pytest.mark.slow
def test_the_cell_alone_then_everything(relax) -> None:
    """Two stages: fractional positions stay in the first one; rows hold energies, cells, cost, steps."""
    cells = crystals(antifluorite=fluorite(6.6), hexagonal=magnesium())
    outputs, first = relax(cells, stage_of("cell", keep_steps=True))
    labels = outputs["labels"].to_science()
    assert labels.failures.tolist() == ["", ""]
    assert labels.ids.tolist() == cells.ids.tolist()
    assert labels.scheme == EspressoEngine.scheme(
        StageSettings.model_validate(stage_of("cell")), {"pseudo_family": first.inputs.pseudo_family}
    )
    assert labels.engine.startswith("Quantum ESPRESSO ")
    assert (labels.core_minutes > 0).all()
    relaxed = [labels.crystals.structure(index) for index in range(2)]
    for before, after in zip((fluorite(6.6), magnesium()), relaxed, strict=True):
        assert after.species == before.species
        assert np.allclose(after.frac_coords, before.frac_coords, atol=1e-7)
    assert relaxed[0].lattice.angles == pytest.approx((60, 60, 60), abs=1e-3)
    assert 2 ** (1 / 2) * relaxed[0].lattice.a == pytest.approx(6.34, rel=0.02)  # experiment
    assert np.ptp(relaxed[0].lattice.abc) < 1e-4
    steps = outputs["steps"].to_science()
    own = [name for name in steps.ids.tolist() if name.startswith("antifluorite/cell/")]
    assert len(own) >= 3
    assert steps.crystals.volumes[0] == pytest.approx(fluorite(6.6).volume)
    assert steps.energies[len(own) - 1] == pytest.approx(labels.energies[0])
    assert [len(called(first, label)) for label in ("EspressoLane", "PwBaseWorkChain", "PwCalculation")] == [1, 2, 2]
    entry = next(node for node in called(first, "read_espresso") if node.inputs.name.value == "hexagonal").outputs.entry
    assert entry.obj.energy_per_atom == pytest.approx(labels.energies[1])

    outputs, _ = relax(cells, stage_of("final", must_converge=True), given=outputs["labels"])
    final = outputs["labels"].to_science()
    assert final.failures.tolist() == ["", ""]
    assert np.abs(final.energies - labels.energies).max() < 0.05


@needs_pw
@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "options", "reason"),
    [
        ({"parameters": {"ELECTRONS": {"electron_maxstep": 2}}}, {}, "not_converged_electronically"),
        ({"max_steps": 1}, {}, "not_converged_ionically"),
        ({"conv_thr_per_atom": 1e-14, "kpoints_distance": 0.2}, {"max_wallclock_seconds": 2}, "out_of_time"),
        ({"ecutwfc": 900}, {"prepend_text": "ulimit -v 700000"}, "out_of_memory"),
        ({"limits": {"volume_ratio": 1.05}}, {}, "unphysical_cell"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_ends_that_pw_x_really_comes_to(relax, settings, options, reason) -> None:
    """A cell at 0.6 of its volume, so that every one of them moves."""
    squeezed = fluorite(6.4 * 0.6 ** (1 / 3))
    stage = stage_of("final", must_converge=True, restarts=0, **settings)
    outputs, _ = relax(crystals(squeezed=squeezed), stage, **options)
    labels = outputs["labels"].to_science()
    assert code_of(labels.failures[0]) == reason, labels.failures[0]
    assert is_stated(labels.failures[0], Stated.RELAXATION)
    assert labels.crystals.volumes[0] == pytest.approx(squeezed.volume)


@needs_pw
@pytest.mark.slow
def test_a_cell_that_leaves_its_symmetry(aiida_code_installed) -> None:
    """A cubic crystal whose cell may move along x alone: stages have no word for that, so pw.x is asked directly."""
    crystal = fluorite(5.9)
    step = EspressoEngine.asked(StageSettings.model_validate(stage_of("final", ecutwfc=12)))
    inputs = pw_inputs(aiida_code_installed)
    parameters = espresso_inputs(crystal, step, family_of(inputs["pseudo_family"])).parameters
    parameters["CELL"] = {"cell_dofree": "x"}
    structure = orm.StructureData(pymatgen=crystal)
    kpoints = orm.KpointsData()
    kpoints.set_kpoints_mesh([2, 2, 2])
    pw = {
        "code": inputs["code"],
        "structure": structure,
        "parameters": orm.Dict(parameters),
        "pseudos": load_family(FAMILY).get_pseudos(structure=structure),
        "metadata": {"options": inputs["options"].get_dict()},
    }
    _, node = run_get_node(WorkflowFactory("quantumespresso.pw.base"), pw=pw, kpoints=kpoints)
    reason = judge(account_of(node, EspressoJobs()), {}, step, has_cell=False)
    assert code_of(reason) == Reason.SYMMETRY_LOST, reason


@needs_pw
@pytest.mark.slow
def test_a_step_that_need_not_converge_hands_on_what_it_has(relax) -> None:
    outputs, node = relax(crystals(squeezed=fluorite(5.9)), stage_of("coarse", max_steps=2))
    labels = outputs["labels"].to_science()
    assert labels.failures.tolist() == [""]
    assert labels.crystals.volumes[0] > 1.02 * fluorite(5.9).volume
    (job,) = called(node, "PwCalculation")
    assert job.exit_status == 502


@needs_pw
@pytest.mark.slow
def test_elements_without_a_pseudopotential_are_rows_and_the_others_go_on(relax) -> None:
    cells = crystals(barium=fluorite(7.0, "Ba"), hexagonal=magnesium())
    outputs, _ = relax(cells, stage_of("coarse", freedom="static"))
    labels = outputs["labels"].to_science()
    assert labels.failures[0] == f"missing_potential: the family '{FAMILY}' has no pseudopotential for Ba"
    assert labels.failures[1] == ""


@needs_pw
@pytest.mark.slow
def test_a_stage_starts_from_the_charge_density_of_the_stage_before(relax) -> None:
    """Fewer cycles to the same energy; the folder goes once it has served. Another spin can't begin with it."""
    cells = crystals(hexagonal=magnesium())
    kept, first = relax(cells, stage_of("coarse", freedom="static", keep_charge_density=True))
    (before,) = called(first, "PwCalculation")
    same = {"code": before.inputs.code, "pseudos": dict(before.inputs.pseudos)}
    assert density_to_start_from(kept["labels"], "hexagonal", **same, spins=2) is None
    assert density_to_start_from(kept["labels"], "hexagonal", **same | {"pseudos": {}}, spins=1) is None
    again, second = relax(cells, stage_of("final", freedom="static"), given=kept["labels"])
    (job,) = called(second, "PwCalculation")
    assert job.inputs.parent_folder.pk == before.outputs.remote_folder.pk
    assert again["labels"].to_science().energies == pytest.approx(kept["labels"].to_science().energies, abs=1e-5)
    assert cycles(job) < cycles(before)
    assert before.outputs.remote_folder.is_empty


@needs_u
@pytest.mark.slow
def test_u_is_calculated_by_a_pw_x_that_reads_it(relax) -> None:
    """U on silicon's 3p shell, for which the pseudopotentials beside the tests do; energies meet none without it."""
    cells, found = crystals(antifluorite=fluorite(6.35)), {}
    for elements in ({}, {"Si": {"u": 3.0, "manifold": "3p"}}):
        outputs, node = relax(cells, stage_of("final", freedom="static", elements=elements), program=PW_WITH_U)
        labels = outputs["labels"].to_science()
        assert labels.failures.tolist() == [""]
        (job,) = called(node, "PwCalculation")
        found[bool(elements)] = (labels, job.outputs.retrieved.get_object_content("aiida.out"))
    (plain, without), (with_u, said) = found[False], found[True]
    term = re.findall(r"Hubbard energy\s+=\s+([\d.]+) Ry", said)
    assert "Hubbard energy" not in without
    raised = 3 * float(with_u.energies[0] - plain.energies[0])
    # U's term is what it adds at its own ground state, which lies above PBE's: E_U - E_0 = E_PBE[U] - E_0 + term.
    assert 0 < 13.6057 * float(term[-1]) < raised < 1.2 * 13.6057 * float(term[-1])
    assert "U Si 3 eV" in with_u.scheme
    assert "U on Si-3p" in with_u.scheme
    assert "U" not in plain.scheme.replace("UPF", "")
    known = References.from_rows(ids=["a"], formulas=["Si"], energies=[-1.0], scheme=plain.scheme)
    with pytest.raises(MixedSchemesError, match="energies of different schemes don't meet in one hull"):
        extended(known, [with_u], source="both")


@needs_pw
@pytest.mark.slow
def test_u_that_an_old_pw_x_skips_is_no_result(relax) -> None:
    cells = crystals(antifluorite=fluorite(6.35))
    outputs, node = relax(cells, stage_of("final", freedom="static", elements={"Si": {"u": 3.0, "manifold": "3p"}}))
    (job,) = called(node, "PwCalculation")
    reads_it = "Hubbard U routines" in job.outputs.retrieved.get_object_content("aiida.out")
    failure = str(outputs["labels"].to_science().failures[0])
    assert ("calculated without the U that was asked for" in failure) != reads_it


def cycles(job: orm.CalcJobNode) -> int:
    """Of the self-consistent field."""
    return int(job.outputs.output_parameters["convergence_info"]["scf_conv"]["n_scf_steps"])


@needs_pw
@pytest.mark.slow
def test_a_killed_pw_x_is_tried_again(relax, aiida_code_installed) -> None:
    scratch = pw_code(aiida_code_installed).computer.get_workdir()
    over = threading.Event()

    def kill() -> None:
        while not over.is_set():
            for pid in _own_programs("pw.x", scratch):
                os.kill(pid, signal.SIGKILL)
                return
            time.sleep(0.05)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    outputs, node = relax(crystals(hexagonal=magnesium()), stage_of("coarse", freedom="static", kpoints_distance=0.25))
    over.set()
    killer.join()
    assert outputs["labels"].to_science().failures.tolist() == [""]
    jobs = called(node, "PwCalculation")
    assert [job.is_finished_ok for job in jobs] == [False, True]


def _own_programs(name: str, scratch: str) -> list[int]:
    """Processes of this name that this test's computer runs: those in its scratch folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            same = (folder / "comm").read_text().strip() == name
            if same and (folder / "cwd").resolve().is_relative_to(scratch):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_meshes_are_those_of_aiida_quantumespresso() -> None:
    from aiida_quantumespresso.calculations.functions.create_kpoints_from_distance import create_kpoints_from_distance

    for crystal in (magnesium(), fluorite(6.4), fluorite(5.1)):
        for distance in (0.15, 0.3, 0.47):
            node = orm.StructureData(pymatgen=crystal)
            theirs = create_kpoints_from_distance(node, orm.Float(distance), orm.Bool(False)).get_kpoints_mesh()[0]
            assert mesh(np.asarray(crystal.lattice.matrix), distance=distance) == tuple(theirs)


def test_a_family_is_described_with_what_its_files_say() -> None:
    described = describe_family(load_family(family()))
    assert sorted(described.pseudos) == sorted(CUTOFFS)
    assert described.stringency == "low"
    assert described.functional == "PBE"
    assert described.pseudos["Mg"].valence == 2
    assert described.cutoffs(["Mg", "H"]) == (30.0, 120.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "engines.quantumespresso: code is missing; pseudo_family is missing"),
        ({"code": "pw@nowhere", "pseudo_family": FAMILY}, "no code 'pw@nowhere'.*quantumespresso.pw"),
    ],
)
def test_words_that_lead_nowhere(words, message) -> None:
    with pytest.raises(SettingsError, match=message):
        EspressoEngine.load_inputs(words)


def test_a_family_that_is_not_there(aiida_code_installed) -> None:
    code = aiida_code_installed(label="pw-too", filepath_executable="/bin/true")
    family()
    with pytest.raises(SettingsError, match="no family of pseudopotentials 'SSSP/9'; known: .*tests/pseudo-dojo"):
        EspressoEngine.load_inputs({"code": code.full_label, "pseudo_family": "SSSP/9"})


def test_a_campaign_is_refused_before_it_starts(aiida_code_installed) -> None:
    inputs = pw_inputs(aiida_code_installed)
    stage = StageSettings.model_validate(stage_of("final"))
    EspressoEngine.check(inputs, [crystals(one=fluorite(6.4))], [stage])
    with pytest.raises(MissingPotentialError, match="lacks Ba; .*aiida-pseudo install family"):
        EspressoEngine.check(inputs, [crystals(one=fluorite(7.0, "Ba"))], [stage])
    wrong = StageSettings.model_validate(stage_of("final", stringency="high"))
    with pytest.raises(SettingsError, match="no cutoffs of stringency 'high' for Mg, Si"):
        EspressoEngine.check(inputs, [crystals(one=fluorite(6.4))], [wrong])
