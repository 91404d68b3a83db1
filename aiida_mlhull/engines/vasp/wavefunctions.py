"""Wavefunctions from stage to stage: where the stage before has left its WAVECAR, and whether this one can start there.

VASP goes on from a WAVECAR that it finds (``ISTART = 1`` is its own choice then), also with another cell or
another cutoff, for which it redefines the plane waves. It can't with other k-points, bands or spins, and one of
its programs (for Γ alone, say) can't read what another one wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import asyncssh
import paramiko
from aiida import orm
from aiida.transports.transport import TransportInternalError
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

from aiida_mlhull import names
from aiida_mlhull.data import LabelsData
from aiida_mlhull.science.vasp.outcome import JOB_IONIC

WAVECAR: Final = "WAVECAR"
SAME_TAGS: Final = ("ispin", "lnoncollinear", "lsorbit", "nbands", "isym", "symprec")
"""Of the INCAR: on these, too, depends which orbitals there are."""

DEFAULT_SYMPREC: Final = 1e-5
"""VASP's."""

UNREACHABLE: Final = (OSError, EOFError, TransportInternalError, paramiko.SSHException, asyncssh.Error)
"""What AiiDA's connections end with; a lane survives a folder that can't be looked at."""


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
    try:
        return folder if WAVECAR in folder.listdir() else None
    except UNREACHABLE:  # or it has been cleaned up
        return None


def let_go(cells: orm.Data, name: str) -> None:
    """Remove the folder that the stage before has left for this one, unless it was told to keep its files."""
    job = _job_before(cells, name)
    if job is None or job.caller is None or not job.caller.inputs.clean_workdir.value:
        return
    with suppress(*UNREACHABLE):
        job.outputs.remote_folder._clean()  # noqa: SLF001  (aiida-vasp cleans in the same way)


def _job_before(cells: orm.Data, name: str) -> orm.CalcJobNode | None:
    """The calculation that the candidate's row in ``cells`` was read from, if its wavefunctions are there."""
    if not isinstance(cells, LabelsData):
        return None
    query = orm.QueryBuilder()
    query.append(orm.CalcJobNode, filters=names.any_of(names.VASP_CALCULATION) | {"label": name})
    query.order_by({orm.CalcJobNode: {"id": "desc"}})
    kept = (job for (job,) in query.iterall() if _left_wavefunctions(job))
    return next((job for job in kept if cells.pk in _tables_with(job)), None)


def _tables_with(job: orm.CalcJobNode) -> Iterator[int | None]:
    """Pks of the tables that hold the row read from a calculation: its own, and those that it was joined into."""
    query = orm.QueryBuilder().append(orm.CalcJobNode, filters={"id": job.pk}, tag="job")
    query.append(orm.Data, with_incoming="job", tag="output")
    front = _read_from(query, function=names.READ_VASP, output=names.LABELS)
    while front:
        yield from front
        query = orm.QueryBuilder().append(LabelsData, filters={"id": {"in": front}}, tag="output")
        front = _read_from(query, function=names.EXTEND_LABELS, output=names.FUNCTION_RESULT)


def _read_from(query: orm.QueryBuilder, *, function: names.ProcessName, output: str) -> list[int]:
    """Pks of the tables that a calcfunction has made of the query's data."""
    query.append(orm.CalcFunctionNode, with_incoming="output", filters=names.any_of(function), tag="function")
    query.append(LabelsData, with_incoming="function", edge_filters={"label": output}, project="id")
    found: list[int] = query.distinct().all(flat=True)
    return found


def _left_wavefunctions(job: orm.CalcJobNode) -> bool:
    """Whether a calculation ended as one does that has written its last orbitals."""
    wrote = job.inputs.parameters.get("lwave", True)
    ended = job.is_finished_ok or job.exit_status == JOB_IONIC
    return bool(wrote and ended and "remote_folder" in job.outputs and not job.outputs.remote_folder.is_cleaned)


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
