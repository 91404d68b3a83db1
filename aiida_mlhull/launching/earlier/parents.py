"""Ensembles that a campaign's members begin with, gate by gate, from wherever people name them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.launching.materials.levels import CAMPAIGN
from aiida_mlhull.science.campaign.settings import UNNAMED
from aiida_mlhull.science.errors import InputError, MixedSchemesError, SettingsError, UnknownNameError, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiida import orm

    from aiida_mlhull.data import EnsembleData
    from aiida_mlhull.science.campaign import CampaignSettings

AUTO: Final = "auto"


Said = str | Mapping[str, str | Mapping[str, str]]
"""One word for all gates, or by the gate's stage, or of several ensembles by stage and name."""


def find_parents(
    said: Said, settings: CampaignSettings, *, scheme: str, elements: Iterable[str]
) -> tuple[dict[str, Any], list[str]]:
    """The ensemble that each gate's members begin with.

    Args:
        said: for all gates, or by the gate's stage (and the ensemble's name, of several): an ensemble's pk, UUID or label;
            ``campaign:PK``, the last ensemble of the same gate of that campaign; or ``auto``, of the most related campaign
            in the database. Of several ensembles, one word is for all that don't start from scratch.
        settings: of the campaign.
        scheme: of the campaign's energies.
        elements: of its candidates.

    Returns:
        Ensembles by stage, of several by stage and name, and a line about each.

    Raises:
        SettingsError: if there is no such gate or ensemble, or one learned another quantity or is of another model.
        MixedSchemesError: if a campaign's energies are of another scheme.
        UnknownNameError: if there is no such ensemble or campaign, or none that is related.
    """
    from aiida_mlhull.launching import stored

    parents: dict[str, dict[str, EnsembleData]] = {}
    remarks = []
    for stage, name, word in _spelled_out(said, settings):
        model = settings.by_name[name].model
        if word == AUTO:
            campaign = _most_related(stage, name, model, scheme=scheme, elements=set(elements))
            found = _of_campaign(campaign, stage, name, model, scheme=scheme)
        elif word.startswith(CAMPAIGN):
            from aiida_mlhull.graph import campaigns

            found = _of_campaign(campaigns.find(word.removeprefix(CAMPAIGN)), stage, name, model, scheme=scheme)
        else:
            found = stored.ensemble(word)
        remarks.append(_checked(found, stage, name, settings, word=word))
        parents.setdefault(stage, {})[name] = found
    return {stage: by_name.get(UNNAMED, by_name) for stage, by_name in parents.items()}, remarks


def _spelled_out(said: Said, settings: CampaignSettings) -> Iterator[tuple[str, str, str]]:
    """Stage, ensemble and word.

    Raises:
        SettingsError: if there is no such gate, or no such ensemble before it.
    """
    gates = {one.name: settings.asked_before(one.name) for one in settings.stages if one.gate is not None}
    by_stage = dict.fromkeys(gates, said) if isinstance(said, str) else dict(said)
    strange = sorted(set(by_stage) - set(gates))
    if strange:
        raise SettingsError(f"parents for stages without a gate: {listed(strange)}; gates are before {listed(gates)}")
    for stage, words in by_stage.items():
        asked = gates[stage]
        if isinstance(words, str):
            begin = [name for name, one in asked.items() if name == UNNAMED or one.transfer.mode != "scratch"]
            if not begin:
                raise SettingsError(
                    f"parents for {stage}: transfer.mode is 'scratch' for all of {listed(sorted(asked))}"
                )
            yield from ((stage, name, words) for name in begin)
            continue
        unknown = sorted(set(words) - set(asked))
        if unknown:
            known = listed(sorted(filter(None, asked))) or "the only one, which has no name"
            raise SettingsError(
                f"parents for ensembles that stage {stage} doesn't ask: {listed(unknown)}; it asks {known}"
            )
        yield from ((stage, name, word) for name, word in words.items())


def _of_campaign(campaign: orm.ProcessNode, stage: str, name: str, model: str, *, scheme: str) -> EnsembleData:
    """The last ensemble of a gate: of several that of the same name, else the only one of the same model.

    Raises:
        MixedSchemesError: if the campaign's energies are of another scheme.
        UnknownNameError: if it has no such gate, or no such ensemble yet.
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
    parent = found[stage].get(name) or _only_one_of(model, found[stage])
    if parent is None:
        raise UnknownNameError(
            f"campaign {campaign.pk} has no ensemble {name or model} before stage {stage}, and not a single one of {model}"
        )
    return parent


def _only_one_of(model: str, ensembles: Mapping[str, EnsembleData]) -> EnsembleData | None:
    """The ensemble of a model, if there is one and no other."""
    alike = [one for one in ensembles.values() if one.base.attributes.get("model") == model]
    return alike[0] if len(alike) == 1 else None


def _most_related(stage: str, name: str, model: str, *, scheme: str, elements: set[str]) -> orm.ProcessNode:
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
        there = last_ensembles(node.pk).get(stage, {})
        found = there.get(name) or _only_one_of(model, there)
        if found is not None and found.base.attributes.get("model") == model:
            best = (near, node)
    if best[1] is None:
        raise UnknownNameError(
            f"no campaign of the same scheme, of related elements ({listed(sorted(elements))}) and with an ensemble of "
            f"{model} before stage {stage}: leave parents out, or name one"
        )
    return best[1]


def _checked(parent: EnsembleData, stage: str, name: str, settings: CampaignSettings, *, word: str) -> str:
    """A line about a parent.

    Raises:
        SettingsError: if it learned another quantity than the gate asks for, or is of another model.
        InputError: if it tells classes apart.
    """
    noun = parent.to_science()
    position = [one.name for one in settings.stages].index(stage)
    gate = settings.stages[position].gate
    assert gate is not None
    model = settings.by_name[name].model
    if noun.model != model:
        raise SettingsError(f"the parent for {stage}, ensemble {parent.pk}, is of {noun.model}, not {model}")
    if noun.classes:
        raise InputError(f"the parent for {stage}, ensemble {parent.pk}, tells classes apart")
    if noun.baseline and noun.baseline != gate.baseline:
        raise SettingsError(
            f"the parent for {stage}, ensemble {parent.pk}, learned energies from the baseline {noun.baseline!r}, the gate "
            f"asks for {gate.baseline!r}: levels must match, take a parent of the same gate"
        )
    here = settings.stages[position - 1].name if position else "unrelaxed"
    there = noun.calibration.get("stage", "")
    line = f"before {stage} members{f' of {name}' if name else ''} begin with ensemble {parent.pk} ({word})"
    if there and there != here:
        line += (
            f"; Note: it learned from cells after {there}, here they are from {here}: of another level it can do harm"
        )
    return line
