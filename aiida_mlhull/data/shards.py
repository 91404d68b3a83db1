"""Any number of candidates as nodes: a node a shard, and one shard in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from aiida.orm import Group, QueryBuilder

from aiida_mlhull.data.tables import MAX_SHARD_ROWS, CandidatesData
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.types import Candidates, concatenate


def store_shards(
    tables: Iterable[Candidates],
    *,
    group: str,
    size: int = MAX_SHARD_ROWS,
    progress: Callable[[CandidatesData], None] = lambda _: None,
) -> list[CandidatesData]:
    """Store candidates as they come and, when all have come, put them into a new group.

    A group that is there already is refused before anything is drawn from ``tables``, and there is none of a run that
    was interrupted: half of a run, or of two, looks like a whole one.

    Args:
        tables: of any size, empty ones too; ids don't meet.
        group: label of the group.
        size: rows of a shard.
        progress: told of every node that was stored.

    Returns:
        The nodes, in the order in which their rows came.

    Raises:
        InputError: if there is a group of this label, or there are no rows.
    """
    known = QueryBuilder().append(Group, filters={"label": group}).all(flat=True)
    if known:
        raise InputError(f"there is a group {group!r} already ({known[0].count()} nodes): choose another label")
    nodes = []
    for number, shard in enumerate(regrouped(tables, size=size)):
        node = CandidatesData.from_science(shard, label=f"{group} {number:04d}").store()
        nodes.append(node)
        progress(node)
    if not nodes:
        raise InputError(f"nothing to store in group {group!r}: there is no row")
    Group(group).store().add_nodes(nodes)
    return nodes


def regrouped(tables: Iterable[Candidates], *, size: int) -> Iterator[Candidates]:
    """The same rows in tables of ``size`` rows, but for the last one."""
    waiting: list[Candidates] = []
    rows = 0
    for table in tables:
        waiting += [table] if len(table) else []
        rows += len(table)
        while rows >= size:
            whole = concatenate(waiting)
            yield whole.take(range(size))
            waiting = [whole.take(range(size, rows))] if rows > size else []
            rows -= size
    if waiting:
        yield concatenate(waiting)
