"""What a campaign is given, and what it is refused for before anything is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, overload

import numpy as np
from aiida import orm

from aiida_mlhull import names
from aiida_mlhull.calculations.base import check_baseline, check_cells, has_cells
from aiida_mlhull.calculations.ports import plain_input, warm_inputs
from aiida_mlhull.calculations.requiring import property_of
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import CandidatesData, DecisionsData, EnsembleData, LabelsData, RecipesData, ReferencesData
from aiida_mlhull.engines import ENGINES
from aiida_mlhull.job_pool.pool import job_settings_input
from aiida_mlhull.science.campaign import check_start, taken_over
from aiida_mlhull.science.campaign.plan import Existing
from aiida_mlhull.science.campaign.recipes import check_recipes
from aiida_mlhull.science.campaign.settings import UNNAMED, CampaignSettings
from aiida_mlhull.science.ensembles.labels_only import check_sees_unrelaxed
from aiida_mlhull.science.ensembles.settings import ENERGY_TARGET
from aiida_mlhull.science.errors import CrystalError, InputError, MixedSchemesError, SettingsError, TableError, listed
from aiida_mlhull.science.program.settings import check_parent
from aiida_mlhull.science.recipes import RecipeSettings
from aiida_mlhull.science.schemes import difference, same_scheme
from aiida_mlhull.science.triage.requirements import check_requirements
from aiida_mlhull.science.types import Candidates, References
from aiida_mlhull.science.types.strict import validated


def campaign_inputs(spec: Any) -> None:
    """Declare the inputs of a campaign."""
    spec.input_namespace("candidates", dynamic=True, valid_type=CandidatesData, help="Shards of candidates.")
    spec.input("references", valid_type=ReferencesData, help="Known phases, the elements among them.")
    plain_input(spec, "settings", orm.Dict, validator=check_settings, help="CampaignSettings.")
    spec.input("parent", valid_type=EnsembleData, required=False, help="Whose members all ensembles begin with.")
    spec.input_namespace(
        "parents",
        dynamic=True,
        required=False,
        valid_type=EnsembleData,
        help="Whose members the ensembles of a gate begin with, by the gate's stage; of several by their names, too.",
    )
    spec.input_namespace(
        names.PROPERTIES,
        dynamic=True,
        required=False,
        valid_type=EnsembleData,
        help="Ensembles of other properties than energies, by name: asked before gates, which may require something of them.",
    )
    plain_input(
        spec, "recipes", orm.Dict, required=False, help="RecipeSettings, to be asked for new phases at the end."
    )
    spec.input("literature", valid_type=RecipesData, required=False, help="Published recipes.")
    job_settings_input(spec)
    spec.input("code", valid_type=orm.AbstractCode, help="The program mlhull-job, for fits and predictions.")
    spec.input_namespace("engines", help="Inputs of the engines that the stages name.")
    for name, engine in ENGINES.items():
        spec.expose_inputs(
            engine,
            namespace=f"engines.{name}",
            exclude=("cells", "chosen", "stage", "jobs"),
            namespace_options={"required": False, "populate_defaults": False, "help": f"Inputs of the engine {name}."},
        )
    warm_inputs(spec, help="By the gate's stage, labels of earlier campaigns that its models learn from as well.")
    earlier_inputs(spec)
    spec.inputs.validator = check_inputs


def earlier_inputs(spec: Any) -> None:
    """Declare what a campaign may take over from an earlier one."""
    spec.input_namespace("earlier", required=False, help="What is taken over from an earlier campaign.")
    spec.input(f"earlier.{names.EARLIER_CAMPAIGN}", valid_type=orm.Str, required=False, help="Its UUID.")
    spec.input("earlier.retry", valid_type=orm.List, required=False, help="Codes of failures that are tried again.")
    for name, kind, told in (
        ("results", LabelsData, "Results by stage; of rows that several tables have the one sorted last counts."),
        ("steps", LabelsData, "Ionic steps."),
        ("draws", DecisionsData, "Draws of the start set by stage, number and shard."),
        ("rounds", DecisionsData, "Decisions of the last round at a gate, by stage and shard."),
        ("stocks", orm.Dict, "What was there before that round, by stage; only where the gate is still the same."),
    ):
        spec.input_namespace(f"earlier.{name}", dynamic=True, required=False, valid_type=kind, help=told)


def check_settings(settings: orm.Dict, _: Any) -> str | None:
    """Check the campaign's settings, those of its engines included."""
    try:
        check_stages(validated(CampaignSettings, settings.get_dict(), what="campaign"))
    except InputError as error:
        return str(error)
    return None


def check_inputs(inputs: dict[str, Any], _: Any) -> str | None:
    """Check that candidates, references, engines and settings fit together, cheapest first."""
    campaign = settings_of(inputs["settings"], CampaignSettings)
    shards = inputs.get("candidates") or {}
    engines = inputs.get("engines", {})
    try:
        check_parents(campaign, inputs)
        check_amount(sum(node.n_rows for node in shards.values()), campaign, results_there(inputs, campaign))
        check_labels_only(campaign, shards.values())
        check_properties(campaign, inputs.get(names.PROPERTIES) or {}, shards.values())
        check_baseline("references", shards.values(), inputs["references"])
        _check_engines(campaign, engines)
        tables, references = OneByOne(list(shards.values())), inputs["references"].to_science()
        check_ids([node.names() for node in shards.values()], references)
        if "recipes" in inputs:
            asked = validated(RecipeSettings, inputs["recipes"].get_dict(), what="recipes")
            check_recipes(asked, references, has_literature="literature" in inputs)
        for name in _engines_of(campaign):
            ENGINES[name].check(engines[name], tables, [stage for stage in campaign.stages if stage.engine == name])
        check_scheme(campaign, engines, inputs["references"])
    except InputError as error:
        return str(error)
    return None


class OneByOne(Sequence[Candidates]):
    """Shards that are read when their turn comes and forgotten then: a million candidates don't fit into memory at once."""

    def __init__(self, nodes: Sequence[CandidatesData]) -> None:
        self.nodes = nodes

    def __len__(self) -> int:
        return len(self.nodes)

    @overload
    def __getitem__(self, place: int) -> Candidates: ...

    @overload
    def __getitem__(self, place: slice) -> OneByOne: ...

    def __getitem__(self, place: int | slice) -> Candidates | OneByOne:
        return OneByOne(self.nodes[place]) if isinstance(place, slice) else self.nodes[place].to_science()


def check_parents(campaign: CampaignSettings, inputs: Mapping[str, Any]) -> None:
    """Refuse ensembles to begin with that no ensemble of the campaign can begin with, or only before some of its gates.

    Raises:
        SettingsError: if there are parents for some gates only, for stages without a gate, for ensembles that these don't
            ask, or for one twice; or if they don't fit what the ensembles' settings say of transfer.
    """
    for_all, parents = "parent" in inputs, _by_gate_and_name(inputs.get("parents") or {})
    if for_all and parents:
        raise SettingsError("'parent' is for all gates, 'parents' for each: give one of the two")
    if for_all and campaign.ensembles:
        raise SettingsError(
            "'parent' is for a single ensemble: of several, say with 'parents' which one begins with what"
        )
    gates = {stage.name: campaign.asked_before(stage.name) for stage in campaign.stages if stage.gate is not None}
    strange = sorted(set(parents) - set(gates))
    if strange:
        raise SettingsError(f"parents for stages without a gate: {listed(strange)}")
    for stage, by_name in parents.items():
        unasked = sorted(set(by_name) - set(gates[stage]))
        if unasked:
            known = listed(sorted(filter(None, gates[stage]))) or "its only one, which has no name"
            raise SettingsError(
                f"parents for ensembles that stage {stage} doesn't ask: {listed(unasked)}; it asks {known}"
            )
    for name, ensemble in campaign.by_name.items():
        lacking = sorted(
            stage for stage, asked in gates.items() if name in asked and name not in parents.get(stage, {})
        )
        given = any(name in by_name for by_name in parents.values())
        if given and lacking:
            of = f" of {name}" if name else ""
            raise SettingsError(f"parents{of} for some gates only: {listed(lacking)} have none")
        check_parent(ensemble, has_parent=for_all or given)


def _by_gate_and_name(parents: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A gate's single ensemble goes by the empty name."""
    return {stage: dict(given) if isinstance(given, Mapping) else {UNNAMED: given} for stage, given in parents.items()}


def check_labels_only(campaign: CampaignSettings, shards: Iterable[Any]) -> None:
    """Refuse candidates without cells where a model has to see some before any could be made.

    Raises:
        CrystalError: if the gate of the first stage asks a model that reads cells.
        SettingsError: if members at a later gate do.
    """
    nodes = list(shards)
    if all(has_cells(node) for node in nodes):
        return
    first = campaign.stages[0]
    for one in campaign.asked_before(first.name).values():
        check_cells(nodes, one.model)
    for one in campaign.by_name.values():
        check_sees_unrelaxed(one)


def check_properties(campaign: CampaignSettings, ensembles: Mapping[str, EnsembleData], shards: Iterable[Any]) -> None:
    """Refuse ensembles of properties that can't be asked, and requirements that they can't tell of.

    Raises:
        SettingsError: if no gate asks, an ensemble predicts energies or more than two classes, or a requirement doesn't fit.
        CrystalError: if an ensemble reads cells, and the candidates before its gate have none.
    """
    known = {name: property_of(name, node) for name, node in ensembles.items()}
    gates = {stage.name: stage.gate.require for stage in campaign.stages if stage.gate is not None}
    if known and not gates:
        raise SettingsError(f"properties are asked before gates, and no stage has one: {listed(sorted(known))}")
    for name, one in sorted(known.items()):
        if one.target == ENERGY_TARGET:
            raise SettingsError(
                f"property {name}: ensemble {ensembles[name].pk} predicts energies, which gates decide by with 'ensemble' "
                f"and 'parent'; name one that was fitted to another target"
            )
        if len(one.classes) > 2:  # noqa: PLR2004  (of two the second one's chance is the number)
            raise SettingsError(f"property {name} has {len(one.classes)} classes ({one.words}): two can be asked for")
    check_requirements(gates, known)
    nodes = list(shards)
    for name in campaign.properties_before(campaign.stages[0].name, known):
        try:
            check_cells(nodes, ensembles[name].base.attributes.get("model"))
        except CrystalError as error:
            raise CrystalError(f"property {name}: {error}") from None


def check_stages(campaign: CampaignSettings) -> None:
    """Refuse stages that no engine can do as they are written.

    Raises:
        UnknownNameError: if an engine doesn't exist.
        SettingsError: if an engine's settings are wrong.
        InputError: if models are to learn from ionic steps that no stage keeps.
    """
    for stage in campaign.stages:
        ENGINES[stage.engine].read_settings(stage)
    learns = any(one.ionic_steps for one in campaign.by_name.values())
    if learns and not any(ENGINES[one.engine].keeps_steps(one) for one in campaign.stages):
        raise InputError(
            "the ensemble is to learn from ionic_steps, but no stage keeps any; say keep_steps: true in the settings "
            "of a stage with the engine vasp, or leave ionic_steps out"
        )


def results_there(inputs: Mapping[str, Any], campaign: CampaignSettings) -> dict[str, Existing]:
    """How many of the candidates have results already, by stage, as the campaign takes them over."""
    earlier = inputs.get(names.EARLIER) or {}
    tables = {stage: dict(nodes) for stage, nodes in (earlier.get("results") or {}).items()}
    retry = earlier["retry"].get_list() if "retry" in earlier else []
    counts = {}
    for stage in (one.name for one in campaign.stages if tables.get(one.name)):
        parts = [node.to_science() for _, node in sorted(tables[stage].items())]
        shards = (node.to_science() for node in inputs["candidates"].values())
        found = [labels for shard in shards if (labels := taken_over(shard, parts, retry=retry)) is not None]
        counts[stage] = Existing(
            done=sum(map(len, found)), learnable=sum(int(labels.succeeded.sum()) for labels in found)
        )
    return counts


def check_amount(total: int, campaign: CampaignSettings, there: Mapping[str, Existing]) -> None:
    """Refuse too few candidates.

    Args:
        total: candidates.
        campaign: its settings.
        there: results that it begins with, by stage; models learn from those of the last one.

    Raises:
        InputError: if there is nothing to choose from.
        TooFewLabelsError: if models are to be asked, and the start set can't teach them.
    """
    if total == 0:
        raise InputError("no candidates: give at least one shard that is not empty")
    if total == 1:
        raise InputError("a single candidate: a campaign chooses among several; relax this one with an engine")
    if any(stage.gate is not None for stage in campaign.stages):
        last = there.get(campaign.stages[-1].name, Existing())
        check_start(campaign, candidates=total - last.done, total=total, have=last.learnable)


def check_ids(shards: Sequence[Candidates], references: References) -> None:
    """Refuse ids that name two crystals, of two shards or of a shard and the references.

    Raises:
        TableError: naming the ids.
    """
    ids, counts = np.unique(np.concatenate([shard.ids for shard in shards]), return_counts=True)
    repeated = ids[counts > 1]
    if len(repeated):
        raise TableError(f"{len(repeated)} candidates lie in several shards: {listed(repeated)}")
    known = ids[references.has(ids)]
    if len(known):
        raise TableError(f"{len(known)} candidates have ids that are references' too: {listed(known)}; rename them")


def _engines_of(campaign: CampaignSettings) -> list[str]:
    return sorted({stage.engine for stage in campaign.stages})


def _check_engines(campaign: CampaignSettings, given: Mapping[str, Any]) -> None:
    missing = [f"engines.{name}" for name in _engines_of(campaign) if not given.get(name)]
    if missing:
        raise SettingsError(f"inputs for the engines are missing: {listed(missing)}")


def check_scheme(campaign: CampaignSettings, given: Mapping[str, Any], references: Any) -> None:
    """Refuse results that can't meet the references in one hull.

    Raises:
        MixedSchemesError: naming both schemes.
    """
    last = campaign.stages[-1]
    gives = ENGINES[last.engine].scheme(last, given[last.engine])
    known = references.base.attributes.get("scheme")
    if not same_scheme(gives, known):
        raise MixedSchemesError(
            f"references are {known or 'of unknown scheme'!r}, stage {last.name} gives energies that are "
            f"{gives or 'of unknown scheme'!r} ({difference(known, gives)}): energies of different schemes don't meet in one hull; take references "
            f"that were made as the results are"
        )
