"""Wavefunctions from stage to stage: where the stage before has left its WAVECAR, and whether this one can start there.

VASP goes on from a WAVECAR that it finds (``ISTART = 1`` is its own choice then), also with another cell or
another cutoff, for which it redefines the plane waves. It can't with other k-points, bands or spins, and one of
its programs (for Γ alone, say) can't read what another one wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiida import orm
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

from aiida_mlhull import names
from aiida_mlhull.engines.stage_before import calculation_before, clean, holds
from aiida_mlhull.science.vasp.outcome import JOB_IONIC

WAVECAR: Final = "WAVECAR"
SAME_TAGS: Final = ("ispin", "lnoncollinear", "lsorbit", "nbands", "isym", "symprec")
"""Of the INCAR: on these, too, depends which orbitals there are."""

DEFAULT_SYMPREC: Final = 1e-5
"""VASP's."""


def folder_to_start_from(
    cells: orm.Data, name: str, *, code: orm.AbstractCode, inputs: Mapping[str, Any]
) -> orm.RemoteData | None:
    """The folder with wavefunctions that a calculation can begin with; None to begin from scratch.

    Args:
        cells: what goes into the stage.
        name: of the candidate.
        code: VASP.
        inputs: of the calculation: ``structure``, ``parameters``, ``kpoints``, ``potentials``.
    """
    job = _job_before(cells, name)
    if job is None or not _fits(job, code, inputs):
        return None
    folder: orm.RemoteData = job.outputs.remote_folder
    return folder if holds(folder, ".", WAVECAR) else None


def let_go(cells: orm.Data, name: str) -> None:
    """Remove the folder that the stage before has left for this one, unless it was told to keep its files."""
    job = _job_before(cells, name)
    if job is not None and job.caller is not None and job.caller.inputs.clean_workdir.value:
        clean(job)


def _job_before(cells: orm.Data, name: str) -> orm.CalcJobNode | None:
    """The calculation that the candidate's row in ``cells`` was read from, if its wavefunctions are there."""
    return calculation_before(
        cells, name, calculation=names.VASP_CALCULATION, reader=names.READ_VASP, is_usable=_left_wavefunctions
    )


def _left_wavefunctions(job: orm.CalcJobNode) -> bool:
    """Whether a calculation ended as one does that has written its last orbitals."""
    wrote = job.inputs.parameters.get("lwave", True)
    ended = job.is_finished_ok or job.exit_status == JOB_IONIC
    return bool(wrote and ended)


def _fits(job: orm.CalcJobNode, code: orm.AbstractCode, inputs: Mapping[str, Any]) -> bool:
    before, now = job.inputs.parameters.get_dict(), inputs["parameters"]["incar"]
    names = {job.inputs.potential[kind].element: job.inputs.potential[kind].full_name for kind in job.inputs.potential}
    return (
        job.inputs.code.uuid == code.uuid
        and job.inputs.kpoints.get_kpoints_mesh() == inputs["kpoints"].get_kpoints_mesh()
        and names == inputs["potentials"].get_dict()
        and all(before.get(tag) == now.get(tag) for tag in SAME_TAGS)
        # Of symmetrically equal k-points only one is calculated.
        and _same_space_group(job.inputs.structure, inputs["structure"], now)
    )


def _same_space_group(one: orm.StructureData, other: orm.StructureData, incar: Mapping[str, Any]) -> bool:
    """Whether two cells have the same symmetry within VASP's tolerance; not if that can't be told."""
    symprec = float(incar.get("symprec") or DEFAULT_SYMPREC)
    cells = (one.get_pymatgen(), other.get_pymatgen())
    try:
        first, second = (SpacegroupAnalyzer(cell, symprec=symprec).get_space_group_number() for cell in cells)
    except SymmetryUndeterminedError:
        return False
    return bool(first == second)
