"""A stage that starts from the wavefunctions of the stage before, by the stand-in: it is NOT VASP, and has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import paramiko
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.calculations.functions import extend_labels
from aiida_mlhull.calculations.vasp import prepare_vasp
from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.engines.vasp.engine import VaspEngine
from aiida_mlhull.engines.vasp.wavefunctions import folder_to_start_from, let_go
from aiida_mlhull.science.vasp import VaspSettings, read_step, vasp_inputs
from tests.arsenides import choice
from tests.engines.test_vasp import OPTIONS, POTENTIALS, called, rock_salts
from tests.vasp_codes import placeholders, standin

NAME = "MgO_rock_salt"


def stage(name: str, **settings: Any) -> orm.Dict:
    return orm.Dict({"name": name, "engine": "vasp", "settings": {"protocol": "ekstrom-2022", **settings}})


def test_the_stage_before_is_told_to_write_them() -> None:
    cell = rock_salts(MgO=4.3).crystals.structure(0)
    for keep in (False, True):
        step = read_step(VaspSettings(protocol="ekstrom-2022", keep_wavefunctions=keep), stage="prerelax")
        assert vasp_inputs(cell, step).incar["lwave"] is keep


@pytest.mark.slow
def test_a_stage_starts_from_the_wavefunctions_of_the_stage_before(aiida_code_installed, tmp_path, monkeypatch) -> None:
    pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")
    (tmp_path / "potentials").mkdir()
    code = standin(aiida_code_installed, tmp_path)
    family = orm.Str(placeholders(tmp_path / "potentials", *POTENTIALS))
    cells = rock_salts(MgO=4.3)

    def relax(given: orm.Data, asked: orm.Dict) -> tuple[Any, Any]:
        """Labels and calculation of a stage."""
        outputs, node = run_get_node(
            VaspEngine,
            code=code,
            potential_family=family,
            cells=given,
            chosen=DecisionsData.from_science(choice(cells, [0])),
            stage=asked,
            options=orm.Dict(OPTIONS),
        )
        assert node.is_finished_ok, node.exit_message
        assert outputs["labels"].to_science().succeeded.all()
        (job,) = called(node, "VaspCalculation")
        return outputs["labels"], job

    labels, first = relax(CandidatesData.from_science(cells), stage("prerelax", keep_wavefunctions=True))
    assert "restart_folder" not in first.inputs
    assert "WAVECAR" in first.outputs.remote_folder.listdir()
    joined = extend_labels(one=labels)  # as campaigns do with shards and rounds

    final = stage("final")
    inputs = prepare_vasp(joined, final, orm.Str(NAME))
    folder = folder_to_start_from(joined, NAME, code=code, inputs=inputs)
    assert folder is not None
    assert folder.uuid == first.outputs.remote_folder.uuid
    check_what_does_not_fit(joined, inputs, code=code, other_code=aiida_code_installed(filepath_executable="/bin/true"))

    with monkeypatch.context() as patch:
        patch.setattr(orm.RemoteData, "listdir", unreachable)
        assert folder_to_start_from(joined, NAME, code=code, inputs=inputs) is None
        patch.setattr(orm.RemoteData, "_clean", unreachable)
        let_go(joined, NAME)
    assert not first.outputs.remote_folder.is_cleaned

    _, second = relax(joined, final)
    assert second.inputs.restart_folder.uuid == first.outputs.remote_folder.uuid
    assert "found WAVECAR" in second.outputs.retrieved.get_object_content("vasp_output")
    assert first.outputs.remote_folder.is_cleaned
    assert not Path(first.outputs.remote_folder.get_remote_path()).exists()
    assert second.outputs.remote_folder.is_cleaned
    assert folder_to_start_from(joined, NAME, code=code, inputs=inputs) is None
    _, third = relax(joined, final)
    assert "restart_folder" not in third.inputs


def unreachable(*_: Any) -> None:
    raise paramiko.SSHException("no answer")


def check_what_does_not_fit(cells: orm.Data, inputs: dict[str, Any], *, code: Any, other_code: Any) -> None:
    """Another program, mesh, number of spins, potential or symmetry, or no such candidate: begin anew."""
    mesh = orm.KpointsData()
    mesh.set_kpoints_mesh([3, 3, 3])
    structure = inputs["structure"].get_pymatgen()
    structure.apply_strain([0.01, 0.0, 0.0])
    incar = {**inputs["parameters"]["incar"], "ispin": 1}
    changes: list[dict[str, Any]] = [
        {"kpoints": mesh},
        {"parameters": orm.Dict({"incar": incar})},
        {"potentials": orm.Dict({"Mg": "Mg", "O": "O"})},
        {"structure": orm.StructureData(pymatgen=structure)},
    ]
    for change in changes:
        assert folder_to_start_from(cells, NAME, code=code, inputs={**inputs, **change}) is None, change
    assert folder_to_start_from(cells, NAME, code=other_code, inputs=inputs) is None
    assert folder_to_start_from(cells, "CaO_rock_salt", code=code, inputs=inputs) is None
    candidates = CandidatesData.from_science(rock_salts(MgO=4.3)).store()
    assert folder_to_start_from(candidates, NAME, code=code, inputs=inputs) is None
    stranger = type(cells).from_science(cells.to_science()).store()
    assert folder_to_start_from(stranger, NAME, code=code, inputs=inputs) is None
