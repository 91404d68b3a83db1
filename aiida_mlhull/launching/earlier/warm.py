"""Labels of earlier campaigns that a campaign's models learn from as well, gate by gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiida_mlhull import names
from aiida_mlhull.launching.materials.levels import CAMPAIGN
from aiida_mlhull.science.errors import InputError, MixedSchemesError, SettingsError, TableError, listed

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.types import Candidates


@dataclass(frozen=True)
class WarmLabels:
    """What earlier campaigns leave.

    Attributes:
        by_gate: inputs ``warm`` by the gate's stage.
        results: by stage and part, results that may be those of a campaign's own candidates.
        remarks: a line for each campaign.
    """

    by_gate: dict[str, dict[str, Any]]
    results: dict[str, dict[str, Any]]
    remarks: tuple[str, ...]


def find_warm(words: Sequence[str], settings: CampaignSettings, candidates: Candidates, *, scheme: str) -> WarmLabels:
    """Results of earlier campaigns at the same stages.

    Args:
        words: ``campaign:PK``, each.
        settings: of the campaign that learns from them.
        candidates: of that campaign; those that an earlier one has relaxed by the same stages aren't relaxed again.
        scheme: of its energies.

    Raises:
        SettingsError: if a word is not a campaign.
        MixedSchemesError: if a campaign's energies are of another scheme.
        InputError: if a campaign has no results of a stage.
        TableError: if two campaigns call different crystals by one id.
    """
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.graph.heritage import heritage

    by_gate: dict[str, dict[str, Any]] = {}
    results: dict[str, dict[str, Any]] = {}
    remarks = []
    for word in words:
        if not word.startswith(CAMPAIGN):
            raise SettingsError(f"warm: {word}: labels are those of a campaign, {CAMPAIGN}PK")
        node = campaigns.find(word.removeprefix(CAMPAIGN))
        _check_scheme(node, scheme)
        left = heritage(node)["results"]
        shards = dict(node.inputs[names.CANDIDATES])
        known = _relaxed_before(candidates, shards)
        for number, stage in enumerate(settings.stages):
            if stage.gate is not None:
                before = None if number == 0 else settings.stages[number - 1].name
                tables = _of_gate(node, left, shards, before=before, last=settings.stages[-1].name)
                _join(by_gate.setdefault(stage.name, {}), tables, prefix=f"of_{node.pk}")
            if known and stage.name in left:
                found = {f"of_{node.pk}_{key}": table for key, table in left[stage.name].items()}
                results.setdefault(stage.name, {}).update(found)
        count = sum(one.base.attributes.get("n_succeeded") for one in left[settings.stages[-1].name].values())
        remarks.append(
            f"models learn from {count:,} labels of campaign {node.pk} ({node.label}) as well; {known:,} of its candidates "
            f"are this campaign's, too, and what was relaxed of them counts"
        )
    return WarmLabels(by_gate, results, tuple(remarks))


def _check_scheme(campaign: orm.ProcessNode, scheme: str) -> None:
    from aiida_mlhull.science.schemes import difference, same_scheme

    theirs = str(campaign.inputs[names.REFERENCES].base.attributes.get("scheme"))
    if not same_scheme(theirs, scheme):
        raise MixedSchemesError(
            f"labels of campaign {campaign.pk} are {theirs!r}, this campaign's {scheme!r} ({difference(theirs, scheme)}): "
            f"models can't learn both as one quantity; begin with its weights instead ('parents')"
        )


def _relaxed_before(candidates: Candidates, shards: dict[str, Any]) -> int:
    """How many candidates another campaign has, too.

    Raises:
        TableError: if an id means two crystals.
    """
    count = 0
    for node in shards.values():
        theirs = node.to_science()
        both = theirs.ids[candidates.has(theirs.ids)]
        ours = candidates.select(both).formulas
        other = ours != theirs.select(both).formulas
        if other.any():
            raise TableError(
                f"ids that mean another crystal in an earlier campaign: {listed(both[other])}; rename them"
            )
        count += len(both)
    return count


def _of_gate(
    campaign: orm.ProcessNode, left: dict[str, Any], shards: dict[str, Any], *, before: str | None, last: str
) -> dict[str, Any]:
    """Cells that the gate's models see, what these were before any stage, and results of the last stage."""
    missing = [stage for stage in (before, last) if stage is not None and stage not in left]
    if missing:
        raise InputError(
            f"campaign {campaign.pk} has no results of stage {listed(missing)} (there are: {listed(left)}): labels are "
            f"learned from at the same stages only"
        )
    return {
        "cells": shards if before is None else left[before],
        "unrelaxed": {} if before is None else shards,
        "labels": left[last],
        "references": campaign.inputs[names.REFERENCES],
    }


def _join(into: dict[str, Any], tables: dict[str, Any], *, prefix: str) -> None:
    """Add a campaign's tables under names of its own."""
    for part, found in tables.items():
        if part == "references":
            into[part] = found if part not in into else _merged(into[part], found)
        else:
            into.setdefault(part, {}).update({f"{prefix}_{key}": node for key, node in found.items()})


def _merged(first: Any, second: Any) -> Any:
    """References of two campaigns of one scheme in one snapshot: theirs are other elements."""
    from aiida_mlhull.data import ReferencesData
    from aiida_mlhull.science.types import concatenate

    known, more = first.to_science(), second.to_science()
    more = more.without(known.ids)
    return ReferencesData.from_science(concatenate([known, more])) if len(more) else first
