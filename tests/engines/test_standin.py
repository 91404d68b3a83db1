"""Runs of the stand-in through aiida-vasp's own WorkChain, parser and handlers, replayed by its mock-vasp."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from aiida.plugins import WorkflowFactory
from pymatgen.core import Lattice, Structure

from tests.vasp_codes import placeholders, replayed

INCAR = {"encut": 400, "ibrion": 2, "isif": 3, "nsw": 20, "ediffg": -0.05, "ediff": 1e-5, "gga": "PE", "nelm": 60}
OPTIONS = {"resources": {"num_machines": 1, "num_mpiprocs_per_machine": 1}, "max_wallclock_seconds": 600}


def titanium_nitride(a: float) -> orm.StructureData:
    cell = Lattice(a * np.array([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]))
    return orm.StructureData(pymatgen=Structure(cell, ["Ti", "N"], [[0, 0, 0], [0.5, 0.5, 0.5]]))


@pytest.fixture
def relax(aiida_code_installed, tmp_path):
    """Relax TiN in a recorded case, with changes to the INCAR."""

    def run(
        case: str, *, faults: str = "", a: float = 4.35, most: int = 2, **changes: Any
    ) -> tuple[dict[str, Any], Any]:
        builder = WorkflowFactory("vasp.vasp").get_builder()
        builder.code = replayed(aiida_code_installed, tmp_path, case, faults=faults)
        builder.structure = titanium_nitride(a)
        builder.parameters = orm.Dict({"incar": INCAR | changes})
        builder.kpoints_spacing = 0.05
        builder.potential_family = placeholders(tmp_path / "potentials", "Ti_pv", "N")
        builder.potential_mapping = {"Ti": "Ti_pv", "N": "N"}
        builder.calc.metadata.options = OPTIONS
        # complete or not, what is there is to be parsed: a killed run then ends in its handler
        builder.settings = {"parser_settings": {"include_node": ["trajectory"], "check_completeness": False}}
        builder.max_iterations = most
        return run_get_node(builder)

    return run


def jobs(node: orm.WorkChainNode) -> list[int]:
    """Exit statuses of the calculations, first to last."""
    called = [one for one in node.called_descendants if isinstance(one, orm.CalcJobNode)]
    return [one.exit_status for one in sorted(called, key=lambda one: one.pk)]


def test_a_relaxation_ends_well(relax):
    out, node = relax("plain")
    assert (node.exit_status, jobs(node)) == (0, [0])
    misc = out["misc"].get_dict()
    assert misc["run_status"]["ionic_converged"]
    assert misc["run_status"]["electronic_converged"]
    assert misc["version"] == "0.0.0"  # no VASP ever had it
    assert {"total_cpu_time_used", "elapsed_time", "maximum_memory_used"} <= set(misc["run_stats"])
    energies = out["trajectory"].get_array("energy_extrapolated")
    assert energies[-1] == misc["total_energies"]["energy_extrapolated"] == energies.min()
    assert len(energies) == misc["run_status"]["last_iteration_index"][0]
    assert out["structure"].get_cell_volume() == pytest.approx(18.9, abs=0.3)  # experiment: 19.1 Å³


def test_a_killed_run_is_taken_up_from_its_last_whole_step(relax):
    """The lot falls on the first run only: the second starts from another cell."""
    _, node = relax("killed", faults="killed in 20%", a=4.27)
    assert (node.exit_status, jobs(node)) == (0, [700, 0])


def test_electrons_that_do_not_converge_get_more_steps(relax):
    out, node = relax("electronic", faults="electronic unless NELM=150", algo="Normal")
    assert (node.exit_status, jobs(node)) == (0, [701, 0])
    assert out["misc"]["run_status"]["electronic_converged"]


@pytest.mark.slow
def test_too_few_ionic_steps_are_taken_up_from_the_last_cell(relax):
    out, node = relax("few-steps", nsw=3, most=4)
    assert (node.exit_status, jobs(node)[:1], jobs(node)[-1]) == (0, [702], 0)
    assert out["misc"]["run_status"]["ionic_converged"]
    first, *others = sorted((one for one in node.called_descendants if isinstance(one, orm.CalcJobNode)), key=pk_of)
    assert others[0].inputs.structure.uuid == first.outputs.structure.uuid
    whole, _ = relax("plain")
    energies = [found["misc"]["total_energies"]["energy_extrapolated"] for found in (out, whole)]
    assert energies[0] == pytest.approx(energies[1], abs=1e-3)


def pk_of(node: orm.Node) -> int:
    assert node.pk is not None
    return node.pk


def test_a_torn_vasprun_is_no_failure_to_aiida_vasp(relax):
    """Users of its WorkChain must check that there is an energy."""
    out, node = relax("truncated", faults="truncated")
    assert node.exit_status == 0
    assert out["misc"]["total_energies"] is None
    assert "structure" not in out
