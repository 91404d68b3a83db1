"""Nodes that people name: by pk, UUID or label, or by the group that they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.data import CandidatesData, EnsembleData, ReferencesData
    from aiida_mlhull.science.reading import Intake
    from aiida_mlhull.science.reading.sieve import BadRows

N = TypeVar("N", bound="orm.Node")


def node(identifier: str, kind: type[N], *, what: str) -> N:
    """The stored node that ``identifier`` names.

    Args:
        identifier: pk, the beginning of a UUID, or a label.
        kind: class that it has to be of.
        what: what such a node is called, for messages: ``"mlhull.references"``.

    Raises:
        click.ClickException: if there is no such node, several of that label, or it is of another class.
    """
    from aiida import orm
    from aiida.common.exceptions import MultipleObjectsError, NotExistent

    try:
        found = _labeled(identifier, kind, what=what) or orm.load_node(identifier)
    except (NotExistent, MultipleObjectsError, ValueError) as error:
        raise click.ClickException(f"{identifier}: {error}") from None
    if not isinstance(found, kind):
        raise click.ClickException(f"node {found.pk} is no {what}, but {type(found).__name__}")
    return found


def _labeled(label: str, kind: type[orm.Node], *, what: str) -> orm.Node | None:
    """The one node of this class and label, if there is any."""
    from aiida import orm

    query = orm.QueryBuilder().append(kind, filters={"label": label})
    found: list[orm.Node] = query.all(flat=True)
    if len(found) > 1:
        pks = ", ".join(str(one.pk) for one in found)
        raise click.ClickException(f"{len(found)} {what} have the label {label!r}: name one by pk ({pks})")
    return found[0] if found else None


def candidates(identifier: str) -> CandidatesData:
    """The shard of candidates that people name; see :func:`node`."""
    from aiida_mlhull.data import CandidatesData

    return node(identifier, CandidatesData, what="mlhull.candidates")


def references(identifier: str) -> ReferencesData:
    """The snapshot of references that people name; see :func:`node`."""
    from aiida_mlhull.data import ReferencesData

    return node(identifier, ReferencesData, what="mlhull.references")


def ensemble(identifier: str) -> EnsembleData:
    """The ensemble that people name; see :func:`node`."""
    from aiida_mlhull.data import EnsembleData

    return node(identifier, EnsembleData, what="mlhull.ensemble")


def in_group(label: str, kind: type[orm.Node], filters: dict[str, Any] | None = None) -> list[Any]:
    """Nodes of a class in a group, in the order in which they were stored.

    Raises:
        click.ClickException: if there is no such group.
    """
    from aiida import orm

    if not orm.QueryBuilder().append(orm.Group, filters={"label": label}).count():
        raise click.ClickException(f"there is no group {label!r}: 'verdi group list' names those that are")
    query = orm.QueryBuilder().append(orm.Group, filters={"label": label}, tag="group")
    query.append(kind, with_group="group", filters=filters or {}, tag="node")
    query.order_by({"node": {"id": "asc"}})
    found: list[Any] = query.all(flat=True)
    return found


def candidates_in(label: str, *, bad_rows: BadRows) -> tuple[list[CandidatesData], Intake | None]:
    """What a group holds of candidates: shards, and structures as one table.

    Raises:
        click.ClickException: if there is no such group, or neither of the two is in it.
        InputError: if structures can't be used; see :func:`~aiida_mlhull.data.structures.take_in`.
    """
    from aiida import orm

    from aiida_mlhull.data import CandidatesData
    from aiida_mlhull.data.structures import take_in

    shards, structures = in_group(label, CandidatesData), in_group(label, orm.StructureData)
    if not shards and not structures:
        raise click.ClickException(f"group {label!r} holds neither mlhull.candidates nor structures")
    return shards, take_in(structures, source=f"group {label}", bad_rows=bad_rows) if structures else None
