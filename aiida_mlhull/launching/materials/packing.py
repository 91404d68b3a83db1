"""People's own structures become shards by a process, so that a campaign and its phases are their descendants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.data import CandidatesData

_NAMED: Final = re.compile(r"(?P<source>.+), structure (?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
"""An origin that names a node."""


def packed_from_structures(shards: Mapping[str, CandidatesData]) -> dict[str, CandidatesData]:
    """The same shards, those with structures of the graph made from these; nothing changes of what is stored already."""
    return {key: node if node.is_stored else _packed(node) for key, node in shards.items()}


def _packed(node: CandidatesData) -> CandidatesData:
    from aiida import orm

    from aiida_mlhull.calculations.packing import pack_structures
    from aiida_mlhull.data import CandidatesData

    table = node.to_science()
    named = {
        name: _NAMED.fullmatch(origin) for name, origin in zip(table.ids.tolist(), table.origins.tolist(), strict=True)
    }
    structures = _structures([match["uuid"] for match in named.values() if match])
    ids = [name for name, match in named.items() if match and match["uuid"] in structures]
    if not ids:
        return node
    given = {f"structure_{place:05d}": structures[_uuid(named[name])] for place, name in enumerate(ids)}
    sources = sorted({match["source"] for match in named.values() if match})
    others = table.without(ids)
    if len(others):
        given["others"] = CandidatesData.from_science(others)
    made: CandidatesData = pack_structures(orm.List(ids), orm.Str(" + ".join(sources)), **given)
    made.label = node.label
    return made


def _uuid(match: re.Match[str] | None) -> str:
    assert match is not None
    return match["uuid"]


def _structures(uuids: list[str]) -> dict[str, orm.Node]:
    """By UUID; CIFs, which may hold several structures, are not among them."""
    from aiida import orm

    query = orm.QueryBuilder().append(orm.StructureData, filters={"uuid": {"in": uuids}})
    return {node.uuid: node for node in (query.all(flat=True) if uuids else [])}
