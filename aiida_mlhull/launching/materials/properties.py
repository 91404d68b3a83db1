"""Ensembles of other properties than energies that a campaign asks: found, and told of before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiida_mlhull.data import EnsembleData
    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.errors import Problems
    from aiida_mlhull.science.types import Candidates


def find_properties(named: Mapping[str, str], problems: Problems) -> dict[str, EnsembleData]:
    """The ensembles by the properties' names.

    Args:
        named: pk, UUID or label of each.
        problems: that are added to where there is none.
    """
    from aiida_mlhull.launching import stored

    found = {}
    for name, identifier in sorted(named.items()):
        with problems:
            found[name] = stored.ensemble(identifier)
    return found


def told_before(
    settings: CampaignSettings, ensembles: Mapping[str, EnsembleData], candidates: Candidates
) -> tuple[str, ...]:
    """A line about each property: who predicts it, what is required where; and a warning where it has never seen the like.

    Args:
        settings: of the campaign.
        ensembles: by the properties' names.
        candidates: of the campaign, before any stage.
    """
    from aiida_mlhull.calculations.requiring import property_of
    from aiida_mlhull.graph.history import describe_models
    from aiida_mlhull.science.ensembles.familiar import unfamiliar
    from aiida_mlhull.science.triage.requirements import read_requirement

    lines = []
    for name, node in sorted(ensembles.items()):
        asked = [
            f"{stage.name} requires {read_requirement(name, stage.gate.require[name]).text}"
            for stage in settings.stages
            if stage.gate is not None and name in stage.gate.require
        ]
        told = "; ".join(asked) or "reported only"
        lines.append(
            f"property {name} ({property_of(name, node).words}) by ensemble {node.pk}, {describe_models(node)}: {told}"
        )
        lines += [f"Warning: property {name}: {line}" for line in unfamiliar(node.to_science(), candidates)]
    return tuple(lines)
