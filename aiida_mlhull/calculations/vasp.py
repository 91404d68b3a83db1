"""The calcfunctions around VASP: prepare a calculation, read what it left.

Apart from those of the loop, because AiiDA's caching looks at a calcfunction's whole source file.
"""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.calculations.base import Nodes
from aiida_mlhull.calculations.dft import kpoints_of, nodes_of, references_in, relaxed_cell
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import CandidatesData, LabelsData
from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.ensembles.rows import crystals_of
from aiida_mlhull.science.types.strict import validated
from aiida_mlhull.science.vasp.inputs import vasp_inputs
from aiida_mlhull.science.vasp.reading import ParsedRun, ionic_steps, read
from aiida_mlhull.science.vasp.settings import VaspSettings, VaspStep, read_step


@calcfunction
def prepare_vasp(cells: CandidatesData | LabelsData, stage: orm.Dict, name: orm.Str) -> Nodes:
    """``structure``, ``parameters`` (INCAR), ``kpoints`` and ``potentials`` (names) of a candidate's calculation.

    Args:
        cells: the cells that go in.
        stage: StageSettings.
        name: the candidate's id.
    """
    row = cells.to_science().select([name.value])
    made = vasp_inputs(crystals_of(row).structure(0), step_of(stage))
    structure = orm.StructureData(pymatgen=made.structure)
    structure.label = name.value
    return {
        "structure": structure,
        "parameters": orm.Dict({"incar": made.incar}),
        "kpoints": kpoints_of(structure, made.mesh, made.shift),
        "potentials": orm.Dict(made.potentials),
    }


@calcfunction
def read_vasp(
    cells: CandidatesData | LabelsData, stage: orm.Dict, name: orm.Str, account: orm.Dict, **found: Any
) -> Nodes:
    """A candidate's ``labels``, pymatgen's ``entry`` if it went well, and its ionic ``steps`` if these are kept.

    ``found`` holds what the last calculation has: ``parameters``, ``misc``, ``structure``, ``trajectory``; and
    ``references``, if the stage gives up hopeless candidates.

    Args:
        cells: the cells that went in.
        stage: StageSettings.
        name: the candidate's id.
        account: how the processes ended.
        **found: as said above.
    """
    row = cells.to_science().select([name.value])
    step, title = step_of(stage), stage["name"]
    reading = read(
        row,
        Account.model_validate(account.get_dict()),
        _found(found),
        step=step,
        stage=title,
        references=references_in(found),
    )
    nodes = nodes_of(reading, name=name.value)
    if step.keep_steps and "trajectory" in found:
        steps = ionic_steps(row, *_trajectory(found["trajectory"]), stage=title, scheme=step.raw_scheme)
        if steps is not None:
            nodes["steps"] = LabelsData.from_science(steps)
    return nodes


def step_of(stage: orm.Dict) -> VaspStep:
    """The calculation that a stage asks for."""
    said = settings_of(stage, StageSettings)
    return read_step(validated(VaspSettings, said.settings, what=f"stage {said.name}"), stage=said.name)


def _found(nodes: Nodes) -> ParsedRun:
    lattice, coordinates = relaxed_cell(nodes, "structure")
    return ParsedRun(
        misc=nodes["misc"].get_dict() if "misc" in nodes else {},
        incar=nodes["parameters"].get_dict() if "parameters" in nodes else {},
        lattice=lattice,
        frac_coords=coordinates,
    )


def _trajectory(node: orm.TrajectoryData) -> tuple[Any, Any, Any]:
    """Cells (T, 3, 3) in Å, fractional positions (T, N, 3), energies (T') in eV."""
    return node.get_array("cells"), node.get_array("positions"), node.get_array("energy_extrapolated")
