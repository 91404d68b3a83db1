"""Lists of nodes from their attributes, without opening one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class NodeLine:
    """One line of a list of nodes.

    Attributes:
        pk: its number.
        created: when it was created.
        label: its label.
        headline: what it holds.
    """

    pk: int
    created: datetime
    label: str
    headline: str


def find_nodes(
    entry_point: str,
    *,
    equal: Mapping[str, Any],
    system: str | None = None,
    groups: Sequence[Any] = (),
    past_days: int | None = None,
) -> list[NodeLine]:
    """Nodes of one kind, oldest first.

    Args:
        entry_point: of the node class.
        equal: attribute to the value that it must have.
        system: chemical system that a row must belong to, ``"N-Ti-Zn"``, or may belong to where a node
            has too many to list them.
        groups: only nodes of these groups; all if empty.
        past_days: only nodes of the last so many days.
    """
    from aiida.common import timezone
    from aiida.orm import Group, QueryBuilder
    from aiida.plugins import DataFactory

    node_class: Any = DataFactory(entry_point)
    filters: dict[str, Any] = {f"attributes.{name}": {"==": value} for name, value in equal.items()}
    if system is not None:
        filters["or"] = _with_system("-".join(sorted(system.split("-"))))
    if past_days is not None:
        filters["ctime"] = {">=": timezone.now() - timedelta(days=past_days)}
    query = QueryBuilder()
    query.append(node_class, tag="node", filters=filters, project=["id", "ctime", "label", "attributes"])
    if groups:
        query.append(Group, with_node="node", filters={"id": {"in": [group.pk for group in groups]}})
        query.distinct()
    query.order_by({"node": ["ctime", "id"]})
    return [
        NodeLine(pk=pk, created=created, label=label, headline=node_class.headline(attributes))
        for pk, created, label, attributes in query.iterall()
    ]


def _with_system(system: str) -> list[dict[str, Any]]:
    listed = {"attributes.chemical_systems": {"contains": [system]}}
    unlisted = {
        "attributes.chemical_systems": {"of_type": "null"},
        "attributes.elements": {"contains": system.split("-")},
    }
    return [listed, unlisted]
