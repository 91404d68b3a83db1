"""Ensembles that a campaign's members begin with, gate by gate, from wherever people name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from aiida_mlhull.launching.materials.levels import CAMPAIGN
from aiida_mlhull.science.errors import InputError, MixedSchemesError, SettingsError, UnknownNameError, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiida import orm

    from aiida_mlhull.data import EnsembleData
    from aiida_mlhull.science.campaign import CampaignSettings

AUTO: Final = "auto"


def find_parents(
    said: str | Mapping[str, str], settings: CampaignSettings, *, scheme: str, elements: Iterable[str]
) -> tuple[dict[str, EnsembleData], list[str]]:
    """The ensemble that each gate's members begin with.

    Args:
        said: for all gates, or by the gate's stage: an ensemble's pk, UUID or label; ``campaign:PK``, the last ensemble
            of the same gate of that campaign; or ``auto``, of the most related campaign in the database.
        settings: of the campaign.
        scheme: of the campaign's energies.
        elements: of its candidates.

    Returns:
        Ensembles by stage, and a line about each.

    Raises:
        SettingsError: if there is no such gate, or an ensemble learned another quantity or is of another model.
        MixedSchemesError: if a campaign's energies are of another scheme.
        UnknownNameError: if there is no such ensemble or campaign, or none that is related.
    """
    from aiida_mlhull.launching import stored

    gates = [stage.name for stage in settings.stages if stage.gate is not None]
    words = dict.fromkeys(gates, said) if isinstance(said, str) else dict(said)
    strange = sorted(set(words) - set(gates))
    if strange:
        raise SettingsError(f"parents for stages without a gate: {listed(strange)}; gates are before {listed(gates)}")
    parents: dict[str, EnsembleData] = {}
    remarks = []
    for stage, word in words.items():
        if word == AUTO:
            campaign = _most_related(stage, settings, scheme=scheme, elements=set(elements))
            parents[stage] = _of_campaign(campaign, stage, scheme=scheme)
        elif word.startswith(CAMPAIGN):
            from aiida_mlhull.graph import campaigns

            parents[stage] = _of_campaign(campaigns.find(word.removeprefix(CAMPAIGN)), stage, scheme=scheme)
        else:
            parents[stage] = stored.ensemble(word)
        remarks.append(_checked(parents[stage], stage, settings, word=word))
    return parents, remarks


def _of_campaign(campaign: orm.ProcessNode, stage: str, *, scheme: str) -> EnsembleData:
    """The last ensemble of a gate.

    Raises:
        MixedSchemesError: if the campaign's energies are of another scheme.
        UnknownNameError: if it has no such gate, or no ensemble yet.
    """
    from aiida_mlhull import names
    from aiida_mlhull.graph.models import last_ensembles
    from aiida_mlhull.science.schemes import difference, same_scheme

    theirs = str(campaign.inputs[names.REFERENCES].base.attributes.get("scheme"))
    if not same_scheme(theirs, scheme):
        raise MixedSchemesError(
            f"campaign {campaign.pk} has energies that are {theirs!r}, this one {scheme!r} ({difference(theirs, scheme)}); "
            f"name its ensemble by pk if models shall begin there all the same"
        )
    found = last_ensembles(campaign.pk)
    if stage not in found:
        known = listed(sorted(found)) or "none"
        raise UnknownNameError(
            f"campaign {campaign.pk} has no ensemble of a gate before stage {stage} (there are: {known})"
        )
    return found[stage]


def _most_related(stage: str, settings: CampaignSettings, *, scheme: str, elements: set[str]) -> orm.ProcessNode:
    """The campaign of the same scheme and model, with such a gate, whose elements are nearest; of several the newest.

    Raises:
        UnknownNameError: if there is none.
    """
    from aiida import orm

    from aiida_mlhull import names
    from aiida_mlhull.graph.models import last_ensembles
    from aiida_mlhull.science.campaign.relatedness import relatedness
    from aiida_mlhull.science.schemes import same_scheme

    query = orm.QueryBuilder().append(orm.WorkChainNode, filters=names.any_of(names.SCREEN), tag="campaign")
    query.order_by({"campaign": {"ctime": "desc"}})
    best: tuple[float, orm.ProcessNode | None] = (0.0, None)
    for node in query.all(flat=True):
        # Inputs may have been deleted, or never stored by what isn't ours.
        if names.REFERENCES not in node.inputs or names.CANDIDATES not in node.inputs:
            continue
        if not same_scheme(str(node.inputs[names.REFERENCES].base.attributes.get("scheme")), scheme):
            continue
        shards = node.inputs[names.CANDIDATES].values()
        theirs = {element for shard in shards for element in shard.base.attributes.get("elements", [])}
        near = relatedness(elements, theirs)
        if near <= best[0]:
            continue
        found = last_ensembles(node.pk)
        if stage in found and found[stage].base.attributes.get("model") == settings.ensemble.model:
            best = (near, node)
    if best[1] is None:
        raise UnknownNameError(
            f"no campaign of the same scheme, of related elements ({listed(sorted(elements))}) and with an ensemble of "
            f"{settings.ensemble.model} before stage {stage}: leave parents out, or name one"
        )
    return best[1]


def _checked(parent: EnsembleData, stage: str, settings: CampaignSettings, *, word: str) -> str:
    """A line about a parent.

    Raises:
        SettingsError: if it learned another quantity than the gate asks for, or is of another model.
        InputError: if it tells classes apart.
    """
    noun = parent.to_science()
    position = [one.name for one in settings.stages].index(stage)
    gate = settings.stages[position].gate
    assert gate is not None
    if noun.model != settings.ensemble.model:
        raise SettingsError(
            f"the parent for {stage}, ensemble {parent.pk}, is of {noun.model}, not {settings.ensemble.model}"
        )
    if noun.classes:
        raise InputError(f"the parent for {stage}, ensemble {parent.pk}, tells classes apart")
    if noun.baseline and noun.baseline != gate.baseline:
        raise SettingsError(
            f"the parent for {stage}, ensemble {parent.pk}, learned energies from the baseline {noun.baseline!r}, the gate "
            f"asks for {gate.baseline!r}: levels must match, take a parent of the same gate"
        )
    here = settings.stages[position - 1].name if position else "unrelaxed"
    there = noun.calibration.get("stage", "")
    line = f"before {stage} members begin with ensemble {parent.pk} ({word})"
    if there and there != here:
        line += (
            f"; Note: it learned from cells after {there}, here they are from {here}: of another level it can do harm"
        )
    return line
