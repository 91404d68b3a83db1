"""Levels of a staged record from wherever they are: files, folders, groups, earlier campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiida_mlhull.science.errors import InputError, SettingsError, listed

if TYPE_CHECKING:
    from aiida_mlhull.science.reading.levels.level import Level
    from aiida_mlhull.science.reading.sieve import BadRows
    from aiida_mlhull.science.types import Candidates, Labels

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
    """What the stages of an earlier campaign gave, in their order.

    Raises:
        InputError: if there is no result yet.
        UnknownNameError: if there is no such campaign.
    """
    from aiida_mlhull import names
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.graph.results import stored_results

    node = campaigns.find(identifier)
    stages = [stage["name"] for stage in node.inputs[names.SETTINGS]["stages"]]
    found = {stage: stored_results(node, stage=stage) for stage in stages}
    levels = [_as_level(table, name=stage, source=f"campaign {node.pk}") for stage, table in found.items() if table]
    if not levels:
        raise InputError(f"campaign {node.pk} ({node.label}) has no results yet")
    return levels


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
        UnknownNameError: if there is no such group.
    """
    from aiida import orm

    from aiida_mlhull.data import LabelsData
    from aiida_mlhull.data.structures import READ, rows_of
    from aiida_mlhull.launching.stored import in_group
    from aiida_mlhull.science.reading.levels.level_structures import level_of_rows
    from aiida_mlhull.science.types import concatenate

    nodes = in_group(label, orm.Node)
    stages: dict[str, list[Labels]] = {}
    for node in nodes:
        if isinstance(node, LabelsData):
            table = node.to_science()
            stages.setdefault(table.stage, []).append(table)
    if stages:
        return [_as_level(concatenate(tables), name=stage, source=f"group {label}") for stage, tables in stages.items()]
    if not any(isinstance(node, READ) for node in nodes):
        raise InputError(f"group {label!r} holds neither mlhull.labels nor structures")
    return [level_of_rows(label, rows_of(nodes, source=f"group {label}"), scheme=scheme, bad_rows=bad_rows)]


def _as_level(table: Labels, *, name: str, source: str) -> Level:
    """A table of results as a level."""
    import numpy as np

    from aiida_mlhull.science.reading.levels.level import Level
    from aiida_mlhull.science.reading.sieve import Sieve

    everything = np.ones(len(table), dtype=bool)
    return Level(
        name=name,
        sieve=Sieve(f"{source}, stage {name}", table.ids, table.formulas, expendable=everything),
        crystals=table.crystals,
        has_cell=everything,
        energies=table.energies,
        failures=table.failures,
        core_minutes=table.core_minutes if table.cost_basis == "measured" else np.full(len(table), np.nan),
        scheme=table.scheme,
    )
