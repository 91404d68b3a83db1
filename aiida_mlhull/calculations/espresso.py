"""The calcfunctions around pw.x: prepare a calculation, read what it left.

Apart from those of the loop, because AiiDA's caching looks at a calcfunction's whole source file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.calculations.base import Nodes
from aiida_mlhull.calculations.dft import kpoints_of, nodes_of, references_in, relaxed_cell
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import CandidatesData, LabelsData
from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.ensembles.rows import crystals_of
from aiida_mlhull.science.espresso.fermi_level import Levels
from aiida_mlhull.science.espresso.inputs import espresso_inputs, scheme
from aiida_mlhull.science.espresso.pseudos import PseudoFamily
from aiida_mlhull.science.espresso.reading import ParsedPwRun, ionic_steps, read
from aiida_mlhull.science.espresso.settings import EspressoSettings, EspressoStep, read_step
from aiida_mlhull.science.types import Candidates, Labels
from aiida_mlhull.science.types.strict import validated


@calcfunction
def prepare_espresso(cells: CandidatesData | LabelsData, stage: orm.Dict, family: orm.Dict, name: orm.Str) -> Nodes:
    """``structure``, ``parameters``, ``kpoints`` and, for fixed positions, ``settings`` of a candidate's calculation.

    Args:
        cells: the cells that go in.
        stage: StageSettings.
        family: PseudoFamily.
        name: the candidate's id.
    """
    row = cells.to_science().select([name.value])
    return input_nodes(row, espresso_step_of(stage), family_of(family))


def input_nodes(row: Candidates | Labels, step: EspressoStep, family: PseudoFamily) -> Nodes:
    """What :func:`prepare_espresso` makes of a table of one row, not stored."""
    crystal = crystals_of(row).structure(0)
    prepared = espresso_inputs(crystal, step, family)
    structure = _structure(prepared.structure, prepared.hubbard)
    structure.label = str(row.ids[0])
    nodes: Nodes = {
        "structure": structure,
        "parameters": orm.Dict(prepared.parameters),
        "kpoints": kpoints_of(structure, prepared.mesh),
    }
    if prepared.fixed_positions:
        nodes["settings"] = orm.Dict({"fixed_coords": [[True, True, True] for _ in crystal]})
    return nodes


@calcfunction
def start_from_density(parameters: orm.Dict, density: orm.RemoteData) -> orm.Dict:  # noqa: ARG001  (for the graph)
    """The parameters of a calculation that begins with the charge density in another one's folder.

    Args:
        parameters: pw.x's input variables by namelist.
        density: that folder.
    """
    changed = parameters.get_dict()
    changed["ELECTRONS"] = {**changed["ELECTRONS"], "startingpot": "file"}
    return orm.Dict(changed)


@calcfunction
def read_espresso(
    cells: CandidatesData | LabelsData,
    stage: orm.Dict,
    family: orm.Dict,
    name: orm.Str,
    account: orm.Dict,
    **outputs: Any,
) -> Nodes:
    """A candidate's ``labels``, pymatgen's ``entry`` if it went well, and its ionic ``steps`` if these are kept.

    ``outputs`` holds what the last calculation has: ``output_parameters``, ``output_structure``,
    ``output_trajectory``, ``output_band``; and ``references``, if the stage gives up hopeless candidates.

    Args:
        cells: the cells that went in.
        stage: StageSettings.
        family: PseudoFamily.
        name: the candidate's id.
        account: how the processes ended.
        **outputs: as said above.
    """
    row = cells.to_science().select([name.value])
    step, title, pseudos = espresso_step_of(stage), stage["name"], family_of(family)
    reading = read(
        row,
        Account.model_validate(account.get_dict()),
        _parsed(outputs),
        step=step,
        family=pseudos,
        stage=title,
        references=references_in(outputs),
    )
    nodes = nodes_of(reading, name=name.value)
    if step.keep_steps and "output_trajectory" in outputs:
        trajectory = outputs["output_trajectory"]
        arrays = [trajectory.get_array(key) for key in ("cells", "positions", "energy")]
        steps = ionic_steps(row, *arrays, stage=title, scheme=scheme(step, pseudos))
        if steps is not None:
            nodes["steps"] = LabelsData.from_science(steps)
    return nodes


def espresso_step_of(stage: orm.Dict) -> EspressoStep:
    """The calculation that a stage asks for."""
    whole = settings_of(stage, StageSettings)
    return read_step(validated(EspressoSettings, whole.settings, what=f"stage {whole.name}"), stage=whole.name)


def family_of(node: orm.Dict) -> PseudoFamily:
    """What is known of the pseudopotentials."""
    return settings_of(node, PseudoFamily)


def _structure(crystal: Any, hubbard: Any) -> orm.StructureData:
    structure = orm.StructureData(pymatgen=crystal)
    if not hubbard:
        return structure
    from aiida_quantumespresso.data.hubbard_structure import HubbardStructureData  # noqa: PLC0415  (extra qe)

    with_u: orm.StructureData = HubbardStructureData.from_structure(structure)
    for term in hubbard:
        with_u.initialize_onsites_hubbard(term.element, term.manifold, term.u, use_kinds=True)
    return with_u


def _parsed(nodes: Nodes) -> ParsedPwRun:
    lattice, coordinates = relaxed_cell(nodes, "output_structure")
    return ParsedPwRun(
        parameters=nodes["output_parameters"].get_dict() if "output_parameters" in nodes else {},
        lattice=lattice,
        frac_coords=coordinates,
        levels=_levels(nodes["output_band"]) if "output_band" in nodes else None,
    )


def _levels(bands: orm.BandsData) -> Levels | None:
    if not {"bands", "occupations", "weights"} <= set(bands.get_arraynames()):
        return None
    energies, occupations = (np.asarray(bands.get_array(name)) for name in ("bands", "occupations"))
    shape = (-1, *energies.shape[-2:])
    return Levels(energies.reshape(shape), occupations.reshape(shape), np.asarray(bands.get_array("weights")))
