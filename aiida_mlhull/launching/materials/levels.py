"""Levels of a staged record from wherever they are: files, folders, groups, earlier campaigns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiida_mlhull.science.errors import InputError, SettingsError, listed

if TYPE_CHECKING:
    from aiida_mlhull.data import LabelsData
    from aiida_mlhull.science.reading.levels.level import Level
    from aiida_mlhull.science.reading.sieve import BadRows
    from aiida_mlhull.science.types import Candidates

CAMPAIGN: Final = "campaign:"
GROUP: Final = "group:"
"""How nodes are named where paths could stand."""


def is_stored(word: str) -> bool:
    """Whether a word names something in AiiDA's database instead of a file."""
    return word.startswith((CAMPAIGN, GROUP))


def read_sources(
    words: Sequence[str | Path], *, names: Sequence[str] = (), bad_rows: BadRows = "refuse", scheme: str
) -> tuple[list[Level], list[str]]:
    """Every level that the words name, in their order, and what is to be said of it.

    Args:
        words: paths, ``campaign:PK`` (all stages of it), or ``group:LABEL`` (of ``mlhull.labels``, or of structures
            with ``energy_per_atom_ev`` and the like among their extras).
        names: of the stages, in their order.
        bad_rows: see :func:`~aiida_mlhull.science.reading.levels.staged.read_staged`.
        scheme: of energies of which the source says nothing.

    Raises:
        MlhullError: if a source can't be used; see :func:`~aiida_mlhull.science.reading.levels.staged.read_staged`.
    """
    from aiida_mlhull.science.reading.levels.staged import read_levels

    stored = [str(word) for word in words if is_stored(str(word))]
    if not stored:
        return read_levels([Path(word) for word in words], names=names, bad_rows=bad_rows, scheme=scheme)
    levels: list[Level] = []
    for word in map(str, words):
        if word.startswith(CAMPAIGN):
            levels += of_campaign(word.removeprefix(CAMPAIGN))
        elif word.startswith(GROUP):
            levels += of_group(word.removeprefix(GROUP), bad_rows=bad_rows, scheme=scheme)
        else:
            levels += read_levels([Path(word)], bad_rows=bad_rows, scheme=scheme)[0]
    return _named(levels, names), [f"levels from {listed(stored)}"]


def _named(levels: list[Level], names: Sequence[str]) -> list[Level]:
    """Those of the names, in their order.

    Raises:
        SettingsError: if a name is none of the levels', or two levels have one name.
    """
    by_name = {level.name: level for level in levels}
    if len(by_name) < len(levels):
        raise SettingsError(f"several levels have one name: {listed(level.name for level in levels)}")
    lacking = [name for name in names if name not in by_name]
    if lacking:
        raise SettingsError(f"no level is called {listed(lacking)}; there are {listed(by_name)}")
    return [by_name[name] for name in names] if names else levels


def of_campaign(identifier: str) -> list[Level]:
    """What the stages of an earlier campaign gave, in their order; see :func:`tables_of_campaign`."""
    return _levels(*tables_of_campaign(identifier))


def tables_of_campaign(identifier: str) -> tuple[str, dict[str, list[LabelsData]]]:
    """How an earlier campaign is called, and its results by stage, in the stages' order; the newest first.

    Raises:
        InputError: if there is no result yet.
        UnknownNameError: if there is no such campaign.
    """
    from aiida_mlhull import names
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.graph.results import result_nodes

    node = campaigns.find(identifier)
    stages = [stage["name"] for stage in node.inputs[names.SETTINGS]["stages"]]
    found = {stage: nodes for stage in stages if (nodes := result_nodes(node, stage=stage))}
    if not found:
        raise InputError(f"campaign {node.pk} ({node.label}) has no results yet")
    return f"campaign {node.pk}", found


def _levels(source: str, tables: Mapping[str, list[LabelsData]]) -> list[Level]:
    from aiida_mlhull.science.reading.levels.level import level_of_labels

    return [
        level_of_labels([node.to_science() for node in nodes], name=stage, source=source)
        for stage, nodes in tables.items()
    ]


def candidates_of(identifier: str) -> Candidates:
    """What an earlier campaign started from, all shards."""
    from aiida_mlhull import names
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.science.types import concatenate

    node = campaigns.find(identifier)
    shards: list[Candidates] = [shard.to_science() for _, shard in sorted(node.inputs[names.CANDIDATES].items())]
    return concatenate(shards)


def of_group(label: str, *, bad_rows: BadRows, scheme: str) -> list[Level]:
    """Levels of a group: tables of results by their stages, or structures as one level.

    Raises:
        InputError: if it holds neither.
        TableError: if two tables of a stage hold one id.
        UnknownNameError: if there is no such group.
    """
    from aiida import orm

    from aiida_mlhull.data.structures import READ, rows_of
    from aiida_mlhull.launching.stored import in_group
    from aiida_mlhull.science.reading.levels.level_structures import level_of_rows

    source, tables = tables_of_group(label)
    if tables:
        return _levels(source, tables)
    nodes = in_group(label, orm.Node)
    if not any(isinstance(node, READ) for node in nodes):
        raise InputError(f"group {label!r} holds neither mlhull.labels nor structures")
    return [level_of_rows(label, rows_of(nodes, source=source), scheme=scheme, bad_rows=bad_rows)]


def tables_of_group(label: str) -> tuple[str, dict[str, list[LabelsData]]]:
    """How a group is called, and its tables of results by their stages; none if it holds other things.

    Raises:
        TableError: if two tables of a stage hold one id.
        UnknownNameError: if there is no such group.
    """
    from aiida_mlhull.data import LabelsData
    from aiida_mlhull.launching.stored import in_group
    from aiida_mlhull.science.types import concatenate

    found: dict[str, list[LabelsData]] = {}
    for node in in_group(label, LabelsData):
        found.setdefault(node.to_science().stage, []).append(node)
    for nodes in found.values():
        concatenate([node.to_science() for node in nodes])
    return f"group {label}", found
