"""What the stage before has left on the computer for a candidate: the folder of the calculation its row was read from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

import asyncssh
import paramiko
from aiida import orm
from aiida.transports.transport import TransportInternalError

from aiida_mlhull import names
from aiida_mlhull.data import LabelsData

UNREACHABLE: Final = (OSError, EOFError, TransportInternalError, paramiko.SSHException, asyncssh.Error)
"""What AiiDA's connections end with; a lane survives a folder that can't be looked at."""


def calculation_before(
    cells: orm.Data,
    name: str,
    *,
    calculation: names.ProcessName,
    reader: names.ProcessName,
    is_usable: Callable[[orm.CalcJobNode], bool],
) -> orm.CalcJobNode | None:
    """The newest usable calculation that a candidate's row in ``cells`` was read from; None if there is none.

    Args:
        cells: what goes into the stage.
        name: of the candidate, which its calculations are labeled with.
        calculation: the plug-in's CalcJob.
        reader: the calcfunction that makes rows of its results.
        is_usable: whether a calculation has left what the stage wants.
    """
    if not isinstance(cells, LabelsData):
        return None
    query = orm.QueryBuilder()
    query.append(orm.CalcJobNode, filters=names.any_of(calculation) | {"label": name})
    query.order_by({orm.CalcJobNode: {"id": "desc"}})
    kept = (job for (job,) in query.iterall() if has_folder(job) and is_usable(job))
    return next((job for job in kept if cells.pk in _tables_with(job, reader)), None)


def has_folder(job: orm.CalcJobNode) -> bool:
    """Whether a calculation's folder may still be on its computer."""
    return "remote_folder" in job.outputs and not job.outputs.remote_folder.is_cleaned


def holds(folder: orm.RemoteData, path: str, file: str) -> bool:
    """Whether a folder on a computer has this file below ``path``; no, if it can't be looked at."""
    try:
        return file in folder.listdir(path)
    except UNREACHABLE:  # or it has been cleaned up
        return False


def clean(job: orm.CalcJobNode) -> None:
    """Remove a calculation's folder, if its computer can be reached."""
    with suppress(*UNREACHABLE):
        job.outputs.remote_folder._clean()  # noqa: SLF001  (the plug-ins clean in the same way)


def _tables_with(job: orm.CalcJobNode, reader: names.ProcessName) -> Iterator[int | None]:
    """Pks of the tables that hold the row read from a calculation: its own, and those that it was joined into."""
    query = orm.QueryBuilder().append(orm.CalcJobNode, filters={"id": job.pk}, tag="job")
    query.append(orm.Data, with_incoming="job", tag="output")
    front = _read_from(query, function=reader, output=names.LABELS)
    while front:
        yield from front
        query = orm.QueryBuilder().append(LabelsData, filters={"id": {"in": front}}, tag="output")
        front = _read_from(query, function=names.EXTEND_LABELS, output=names.FUNCTION_RESULT)


def _read_from(query: orm.QueryBuilder, *, function: names.ProcessName, output: str) -> list[int]:
    """Pks of the tables that a calcfunction has made of the query's data."""
    query.append(orm.CalcFunctionNode, with_incoming="output", filters=names.any_of(function), tag="function")
    query.append(LabelsData, with_incoming="function", edge_filters={"label": output}, project="id")
    tables: list[int] = query.distinct().all(flat=True)
    return tables
