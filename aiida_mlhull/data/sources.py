"""Structures in AiiDA's graph as a source of candidates, beside those that need no AiiDA."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from aiida.orm import Group, Node, QueryBuilder

from aiida_mlhull.data.structures import READ, not_taken, take_in
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.sources.base import Portion, Source


class StructureGroup(Source):
    """All structures of a group.

    Args:
        label: of the group.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.name = f"group {label}"

    def portions(self, journal: Path) -> Iterator[Portion]:  # noqa: ARG002  (the graph is not far)
        """One portion.

        Raises:
            InputError: if there is no such group, it holds no structures, or none can be used.
        """
        query = QueryBuilder().append(Group, filters={"label": self.label}, tag="group")
        query.append(Node, with_group="group", tag="node").order_by({"node": {"id": "asc"}})
        nodes = query.all(flat=True)
        if not any(isinstance(node, READ) for node in nodes):
            others = f" ({not_taken(nodes)})" if nodes else ", or there is no such group"
            raise InputError(f"{self.name} holds no structures{others}")
        intake = take_in(nodes, source=self.name, bad_rows="leave_out")
        crystals = intake.candidates.crystals
        assert crystals is not None
        yield Portion(
            replace(intake.candidates, protostructures=protostructures(crystals)),
            intake.left_out,
            remarks=intake.remarks,
        )
