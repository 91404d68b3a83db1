"""The engine vasp on recorded runs of the stand-in: genuine WorkChains, jobs, parsers and handlers; no torch.

What is recorded under ``tests/recorded_vasp`` came from the stand-in, which is NOT VASP.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from aiida.storage.sqlite_zip.backend import SqliteZipBackend
from aiida.tools.archive import create_archive
from pymatgen.core import Lattice, Structure

from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.engines import ENGINES
from aiida_mlhull.engines.vasp.engine import VaspEngine
from aiida_mlhull.engines.vasp.jobs import is_standin
from aiida_mlhull.job_pool.lane import DEFAULT_OPTIONS
from aiida_mlhull.science.campaign import StageSettings
from aiida_mlhull.science.errors import MissingPotentialError, SettingsError
from aiida_mlhull.science.relaxation.conventions import MP2020_CORRECTED
from aiida_mlhull.science.types import Candidates, Crystals
from aiida_mlhull.science.types.reasons import Stated, is_stated
from tests.arsenides import choice
from tests.vasp_codes import placeholders, replayed

OPTIONS = {
    "resources": {"num_machines": 1, "num_mpiprocs_per_machine": 1},
    "max_wallclock_seconds": 600,
    "withmpi": False,
}
POTENTIALS = ("Mg_pv", "Ca_sv", "Sr_sv", "Ba_sv", "O", "S")


def rock_salts(**sides: float) -> Candidates:
    """Rock salts of two elements each, by formula, with these cubic cells (Å); anion first."""
    structures = []
    for formula, side in sides.items():
        metal, anion = formula[:2], formula[2:]
        cell = Structure.from_spacegroup("Fm-3m", Lattice.cubic(side), [anion, metal], [[0, 0, 0], [0.5, 0.5, 0.5]])
        structures.append(cell.get_primitive_structure())
    crystals = Crystals.from_structures(structures)
    return Candidates.from_rows(
        ids=[f"{formula}_rock_salt" for formula in sides],
        formulas=crystals.reduced_formulas(),
        crystals=crystals,
        protostructures=[""] * len(crystals),
        origins=["by hand"] * len(crystals),
    )


@pytest.fixture
def relax(aiida_code_installed, tmp_path):
    """Relax candidates through a stage with the recorded runs of a case."""

    def run(cells: Candidates, stage: dict[str, Any], *, case: str, faults: str = "", **jobs: Any):
        (tmp_path / "potentials").mkdir()
        return run_get_node(
            VaspEngine,
            code=replayed(aiida_code_installed, tmp_path, case, faults=faults),
            potential_family=orm.Str(placeholders(tmp_path / "potentials", *POTENTIALS)),
            cells=CandidatesData.from_science(cells),
            chosen=DecisionsData.from_science(choice(cells, range(len(cells)))),
            stage=orm.Dict({"engine": "vasp", **stage}),
            options=orm.Dict(OPTIONS),
            jobs=orm.Dict(jobs),
        )

    return run


def called(node: orm.ProcessNode, label: str) -> list[orm.ProcessNode]:
    found = [one for one in node.called_descendants if one.process_label == label]
    return sorted(found, key=lambda one: one.pk)


FAULTS = (
    "electronic in MgO; killed in CaO; negative_volume in BaO; out_of_memory in MgS; no_start in CaS; truncated in SrO"
)
ENDS = {
    "BaO_rock_salt": "unphysical_cell: turned inside out",
    "CaO_rock_salt": "engine_error: Calculation did not reach the end of execution",
    "CaS_rock_salt": "engine_error: an object that is marked by the parser as critical is missing",
    "MgO_rock_salt": "not_converged_electronically",
    "MgS_rock_salt": "out_of_memory",
    "SrS_rock_salt": "not_converged_ionically",
}


@pytest.mark.slow
def test_every_fault_ends_in_its_row(relax) -> None:
    cells = rock_salts(MgO=4.6, CaO=4.6, BaO=5.8, MgS=5.0, CaS=5.5, SrS=6.6)
    stage = {"name": "final", "settings": {"protocol": "ekstrom-2022", "incar": {"nsw": 2}, "restarts": 0}}
    outputs, node = relax(cells, stage, case="engine-faults", faults=FAULTS)
    assert node.is_finished_ok, node.exit_message
    labels = outputs["labels"].to_science()
    assert labels.ids.tolist() == list(ENDS)
    for found, expected in zip(labels.failures.tolist(), ENDS.values(), strict=True):
        assert found.startswith(expected)
        assert is_stated(found, Stated.RELAXATION)
    assert np.isnan(labels.energies).all()
    assert np.array_equal(labels.crystals.lattices, cells.crystals.lattices)
    assert labels.core_minutes[list(ENDS).index("SrS_rock_salt")] > 0
    assert "NOT VASP" in labels.engine
    assert "steps" not in outputs
    lanes = called(node, "VaspLane")
    assert [len(called(lane, "VaspCalculation")) for lane in lanes] == [3, 3]


@pytest.mark.slow
def test_a_cheap_stage_hands_on_what_it_has_and_keeps_its_steps(relax, tmp_path) -> None:
    """Too few steps are no failure here; a torn vasprun.xml, of which aiida-vasp makes a success, is one."""
    cells = rock_salts(SrO=5.4, SrS=6.6)
    stage = {
        "name": "preprerelax",
        "settings": {"protocol": "ekstrom-2022", "corrections": "mp2020", "incar": {"nsw": 3}, "keep_steps": True},
    }
    outputs, node = relax(cells, stage, case="engine-cheap", faults=FAULTS, max_in_flight=1)
    assert node.is_finished_ok, node.exit_message
    labels = outputs["labels"].to_science()
    assert labels.failures.tolist() == ["engine_error: VASP's output holds no energy or no cell", ""]
    assert labels.scheme == "PBE, 600 eV, as Ekström 2022, MP2020-corrected"
    assert labels.crystals.volumes[1] < cells.crystals.volumes[1]
    assert np.array_equal(labels.crystals.numbers, cells.crystals.numbers)
    assert labels.protostructures.tolist() == ["AB_cF8_225_a_b:O-Sr", "AB_cF8_225_a_b:S-Sr"]
    (chain,) = [one for one in called(node, "VaspWorkChain") if one.label == "SrS_rock_salt"]
    (entry,) = [one for one in orm.QueryBuilder().append(orm.JsonableData).all(flat=True) if one.label == chain.label]
    assert entry.obj.energy_per_atom == labels.energies[1]
    assert entry.obj.correction_per_atom < -0.1
    assert entry.obj.parameters["potcar_spec"][0]["titel"].split()[1] == "Sr_sv"
    steps = outputs["steps"].to_science()
    assert steps.ids.tolist() == [f"SrS_rock_salt/preprerelax/{index:04d}" for index in range(3)]
    assert steps.energies[-1] == pytest.approx(entry.obj.uncorrected_energy_per_atom)
    assert steps.scheme == "PBE, 600 eV, as Ekström 2022, not corrected"
    assert np.allclose(steps.crystals.lattices[-1], labels.crystals.lattices[1], atol=1e-6)
    check_no_potential_in(archive_of(outputs["labels"], tmp_path / "history.aiida"))


def archive_of(node: orm.Data, path: Path) -> Path:
    """An archive of ``node`` with its whole history."""
    create_archive([node], filename=path)
    return path


def check_no_potential_in(path: Path) -> None:
    """No file in the archive holds a potential's content, and no node that would."""
    archive = SqliteZipBackend(SqliteZipBackend.create_profile(str(path)))
    kinds = set(orm.QueryBuilder(backend=archive).append(orm.Node, project="node_type").all(flat=True))
    archive.close()
    assert any("PotcarData" in kind for kind in kinds)
    assert not any("PotcarFileData" in kind for kind in kinds)
    with ZipFile(path) as opened:
        files = [opened.read(name) for name in opened.namelist() if name.startswith("repo/")]
    assert len(files) > 10
    assert not any(b"End of Dataset" in content for content in files)


def test_missing_potentials_are_named_before_anything_runs(aiida_code_installed, tmp_path) -> None:
    family = orm.Str(placeholders(tmp_path, *POTENTIALS, family="six-placeholders"))
    code = aiida_code_installed(label="vasp-x", filepath_executable="/bin/true", default_calc_job_plugin="vasp.vasp")
    inputs = {"potential_family": family, "code": code, "options": orm.Dict(DEFAULT_OPTIONS)}
    stages = [stage_of(name) for name in ("preprerelax", "final")]
    VaspEngine.check(inputs, [rock_salts(MgO=4.2, SrS=6.0)], stages)
    with pytest.raises(MissingPotentialError, match=r"'six-placeholders' lacks Se, Zn; upload them"):
        VaspEngine.check(inputs, [rock_salts(MgO=4.2), rock_salts(ZnSe=5.7)], stages)
    named = stage_of("final", elements={"Mg": {"potential": "Mg_GW"}})
    with pytest.raises(MissingPotentialError, match="lacks Mg_GW;"):
        VaspEngine.check(inputs, [rock_salts(MgO=4.2)], [named])


def stage_of(name: str, **said: Any) -> StageSettings:
    return StageSettings(name=name, engine="vasp", settings={"protocol": "ekstrom-2022", **said})


def test_words_of_a_campaign_file_become_nodes(aiida_code_installed, tmp_path) -> None:
    family = placeholders(tmp_path, *POTENTIALS)
    code = aiida_code_installed(label="vasp-somewhere", filepath_executable="/bin/true")
    words = {"code": code.full_label, "potential_family": family, "options": {"queue_name": "fast"}}
    loaded = VaspEngine.load_inputs(words)
    assert loaded["code"].uuid == code.uuid
    assert loaded["potential_family"].value == family
    assert loaded["options"]["queue_name"] == "fast"
    assert loaded["options"]["resources"] == {"num_machines": 1, "num_mpiprocs_per_machine": 1}
    with pytest.raises(SettingsError, match=r"engines.vasp: no code 'vasp@nowhere'"):
        VaspEngine.load_inputs({**words, "code": "vasp@nowhere"})
    away = orm.Computer(
        label="away", hostname="h", transport_type="core.local", scheduler_type="core.direct", workdir="/tmp"
    ).store()
    orm.InstalledCode(label="vasp", computer=away, filepath_executable="/bin/true").store()
    with pytest.raises(SettingsError, match="the computer of code 'vasp@away' is not configured: 'verdi computer conf"):
        VaspEngine.load_inputs({**words, "code": "vasp@away"})
    with pytest.raises(SettingsError, match=r"no potential family 'PBE'; known: .*a-few-placeholders"):
        VaspEngine.load_inputs({**words, "potential_family": "PBE"})
    with pytest.raises(SettingsError, match="code is missing"):
        VaspEngine.load_inputs({})


def test_the_scheme_is_the_protocols_with_the_stages_corrections() -> None:
    assert VaspEngine.scheme(stage_of("final"), {}) == "PBE, 600 eV, as Ekström 2022, not corrected"
    mp = StageSettings(name="final", engine="vasp", settings={"protocol": "mp-compatible", "corrections": "mp2020"})
    assert VaspEngine.scheme(mp, {}) == MP2020_CORRECTED


def test_only_stages_that_say_so_keep_their_steps() -> None:
    assert not VaspEngine.keeps_steps(stage_of("final"))
    assert VaspEngine.keeps_steps(stage_of("final", keep_steps=True))
    assert not ENGINES["potential"].keeps_steps(StageSettings(name="final", engine="potential"))


def test_a_stage_that_no_protocol_knows_is_refused() -> None:
    told = VaspEngine.validate_stage(orm.Dict(stage_of("relaxation").model_dump(mode="json")), None)
    assert told is not None
    assert "no step 'relaxation'; say with 'step' which of these it is: preprerelax, prerelax, final" in told


def test_the_stand_in_is_known_by_its_program(aiida_code_installed) -> None:
    assert is_standin(aiida_code_installed(label="a", filepath_executable="/opt/bin/mlhull-vasp-standin"))
    assert not is_standin(aiida_code_installed(label="b", filepath_executable="/opt/bin/vasp_std"))


def test_rows_that_a_lost_lane_did_not_come_to_are_failures(aiida_code_installed) -> None:
    """Here the lane breaks at its first row: aiida-vasp knows no such family."""
    cells = rock_salts(MgO=4.2, SrS=6.0)
    outputs, node = run_get_node(
        VaspEngine,
        code=aiida_code_installed(label="vasp-nowhere", filepath_executable="/bin/false"),
        potential_family=orm.Str("no such family"),
        cells=CandidatesData.from_science(cells),
        chosen=DecisionsData.from_science(choice(cells, [0, 1])),
        stage=orm.Dict(stage_of("final").model_dump(mode="json")),
        jobs=orm.Dict({"max_in_flight": 1}),
    )
    assert node.is_finished_ok, node.exit_message
    labels = outputs["labels"].to_science()
    assert labels.ids.tolist() == cells.ids.tolist()
    assert all(reason.startswith("engine_error: its lane was lost: ") for reason in labels.failures.tolist())
    assert np.array_equal(labels.crystals.lattices, cells.crystals.lattices)


def test_other_programs_and_options_that_cannot_work_are_refused_before_anything_runs(
    aiida_code_installed, tmp_path
) -> None:
    family = orm.Str(placeholders(tmp_path, *POTENTIALS))
    adder = "core.arithmetic.add"
    other = aiida_code_installed(label="adder", filepath_executable="/bin/true", default_calc_job_plugin=adder)
    vasp = aiida_code_installed(label="vasp-y", filepath_executable="/bin/true", default_calc_job_plugin="vasp.vasp")
    inputs = {"potential_family": family, "code": other, "options": orm.Dict(DEFAULT_OPTIONS)}
    with pytest.raises(SettingsError, match="code adder@.* is for core.arithmetic.add, not for vasp.vasp"):
        VaspEngine.check(inputs, [rock_salts(MgO=4.2)], [stage_of("final")])
    own = {"options": {"que_name": "fast", "max_wallclock_seconds": "long", "resources": {"cores": 4}}}
    with pytest.raises(SettingsError) as refused:
        VaspEngine.check(inputs | {"code": vasp}, [rock_salts(MgO=4.2)], [stage_of("final", **own)])
    told = str(refused.value)
    assert "stage final, options of the scheduler: " in told
    assert "no option 'que_name' (did you mean queue_name?)" in told
    assert "max_wallclock_seconds:" in told
    assert "resources:" in told


def test_what_a_candidate_would_be_given_is_shown(aiida_code_installed, tmp_path) -> None:
    vasp = aiida_code_installed(label="vasp-z", filepath_executable="/bin/true", default_calc_job_plugin="vasp.vasp")
    inputs = {
        "potential_family": orm.Str(placeholders(tmp_path, *POTENTIALS)),
        "code": vasp,
        "options": orm.Dict({**DEFAULT_OPTIONS, "queue_name": "fast"}),
    }
    before = orm.QueryBuilder().append(orm.Node).count()
    told = VaspEngine.shown(stage_of("final", incar={"ENCUT": 555}), inputs, rock_salts(MgO=4.2))
    assert orm.QueryBuilder().append(orm.Node).count() == before
    lines = [line.strip() for line in told.splitlines()]
    assert "ENCUT = 555.0" in [" ".join(line.split()) for line in lines]
    assert {"INCAR", "KPOINTS", "POTCAR", "POSCAR", "options"} <= set(lines)
    assert "Mg_pv O" in lines
    assert "queue_name: fast" in lines
