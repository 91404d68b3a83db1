"""The calcfunctions: every step of the loop that is not a job, one line of science each.

AiiDA's caching looks at the whole source file of a calcfunction, so this module stays small and
changes seldom; what is computed lives in :mod:`aiida_mlhull.science`. Tables of a shard may come in increments,
one for each round that relaxed some of its rows: ``{shard: {part: labels}}``.
"""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.calculations.ports import leaves, predictions_by_name
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import (
    CandidatesData,
    DecisionsData,
    EnsembleData,
    LabelsData,
    ReferencesData,
    fetch,
)
from aiida_mlhull.science import campaign
from aiida_mlhull.science.campaign.settings import UNNAMED, CampaignSettings, StageSettings
from aiida_mlhull.science.ensembles import EnsembleSettings, join
from aiida_mlhull.science.triage.committee import side_by_side
from aiida_mlhull.science.types import concatenate
from aiida_mlhull.science.wire.weights import member_file

Shards = dict[str, Any]


@calcfunction
def split_settings(settings: orm.Dict) -> Shards:
    """The campaign's settings in the parts that its processes take.

    These are ``stages`` by number, and ``ensemble``, or ``ensembles`` by name.

    Args:
        settings: CampaignSettings.
    """
    whole = _campaign(settings)
    ensembles = {name: orm.Dict(one.model_dump(mode="json")) for name, one in whole.by_name.items()}
    return {
        **({"ensemble": ensembles[UNNAMED]} if UNNAMED in ensembles else {"ensembles": ensembles}),
        "stages": {
            f"stage_{index}": orm.Dict(stage.model_dump(mode="json")) for index, stage in enumerate(whole.stages)
        },
    }


@calcfunction
def gather_ensemble(settings: orm.Dict, **members: EnsembleData) -> EnsembleData:
    """One ensemble from the parts that jobs have fitted; files of weights are taken over as they are.

    Args:
        settings: EnsembleSettings.
        **members: what each job has fitted.
    """
    parts = [(part, part.to_science()) for part in members.values()]
    whole = join([noun for _, noun in parts], settings=settings_of(settings, EnsembleSettings))
    weights = {
        member.meta["member"]: part.base.repository.get_object_content(member_file(place), mode="rb")
        for part, noun in parts
        for place, member in enumerate(noun.members)
    }
    return EnsembleData.from_science(whole, weights=[weights[number] for number in sorted(weights)])


@calcfunction
def enter_first_stage(candidates: CandidatesData, stage: orm.Dict) -> DecisionsData:
    """Which candidates may be considered for the first stage.

    Args:
        candidates: a shard.
        stage: StageSettings.
    """
    entered = campaign.enter_first_stage(candidates.to_science(), stage=_stage(stage).name)
    return DecisionsData.from_science(entered)


@calcfunction
def enter_next_stage(labels: LabelsData, stage: orm.Dict, merged: DecisionsData | None = None) -> DecisionsData:
    """Which candidates may be considered for the next stage: what came out of the last one and was not merged away.

    Args:
        labels: results of the stage before, of one shard.
        stage: StageSettings of the stage to be entered.
        merged: what merging after the stage before has decided about the shard.
    """
    twins = None if merged is None else merged.to_science()
    entered = campaign.enter_next_stage(labels.to_science(), twins, stage=_stage(stage).name)
    return DecisionsData.from_science(entered)


@calcfunction
def still_waiting(pool: DecisionsData, **done: LabelsData) -> DecisionsData:
    """Which candidates of the pool were not relaxed yet; ``done`` holds the stage's results so far, of one shard.

    Args:
        pool: which candidates may enter the stage, of one shard.
        **done: increments of the results.
    """
    labels = concatenate([part.to_science() for part in done.values()]) if done else None
    return DecisionsData.from_science(campaign.still_waiting(pool.to_science(), labels))


@calcfunction
def choose_start(settings: orm.Dict, position: orm.Dict, **shards: Any) -> Shards:
    """Draw the start set from all shards together; ``shards`` holds ``pools`` by shard.

    Args:
        settings: CampaignSettings.
        position: ``total``, the campaign's candidates, and ``have``, results that models can learn from so far.
        **shards: the tables, as said above.
    """
    fetch(shards["pools"].values())
    tables = {key: pool.to_science() for key, pool in shards["pools"].items()}
    chosen = campaign.choose_start(
        concatenate(list(tables.values())), _campaign(settings), total=position["total"], have=position["have"]
    )
    return _per_shard(chosen, tables)


@calcfunction
def decide_round(
    settings: orm.Dict, stage: orm.Dict, position: orm.Dict, references: ReferencesData, **shards: Any
) -> Shards:
    """Decide which candidates are relaxed in this round; outputs are decisions by shard.

    ``shards`` holds ``predictions`` by shard, or by ensemble and shard, and ``results`` of the last stage so far, by shard
    in increments.

    Args:
        settings: CampaignSettings.
        stage: StageSettings of the stage with the gate.
        position: ``round``, from 1, and ``total``, the campaign's candidates.
        references: known phases.
        **shards: the tables, as said above.
    """
    fetch(leaves(shards).values())
    by_name = {
        name: {key: node.to_science() for key, node in nodes.items()}
        for name, nodes in predictions_by_name(shards["predictions"]).items()
    }
    decided = campaign.decide_round(
        side_by_side({name: concatenate(list(tables.values())) for name, tables in by_name.items()}),
        _joined(shards["results"]),
        references.to_science(),
        _campaign(settings),
        stage=_stage(stage),
        number=position["round"],
        total=position["total"],
    )
    return _per_shard(decided, next(iter(by_name.values())))


@calcfunction
def assess(
    settings: orm.Dict,
    stage: orm.Dict,
    position: orm.Dict,
    references: ReferencesData,
    previous: orm.Dict | None = None,
    **shards: Any,
) -> orm.Dict:
    """Take stock after a round; the output says whether to go on and why not.

    ``shards`` holds ``results`` of the last stage, by shard in increments, and ``decided``, the round's decisions by shard.

    Args:
        settings: CampaignSettings.
        stage: StageSettings of the stage with the gate.
        position: ``round``, ``total`` and ``waiting``: rounds done, all candidates, and those not relaxed yet.
        references: known phases.
        previous: the stock taken after the round before.
        **shards: the tables, as said above.
    """
    fetch(leaves(shards).values())
    stock = campaign.assess(
        _joined(shards["results"]),
        references.to_science(),
        _campaign(settings),
        stage=_stage(stage),
        number=position["round"],
        total=position["total"],
        waiting=position["waiting"],
        previous=None if previous is None else previous.get_dict(),
        left=_joined(shards["decided"]) if shards.get("decided") and campaign.claims(_stage(stage)) else None,
    )
    return orm.Dict(stock)


@calcfunction
def merge_same(settings: orm.Dict, stage: orm.Dict, **shards: Any) -> Shards:
    """Find crystals that have become the same; ``shards`` holds the stage's ``labels`` by shard.

    Args:
        settings: CampaignSettings.
        stage: StageSettings of the stage that has ended.
        **shards: the tables, as said above.
    """
    fetch(shards["labels"].values())
    tables = {key: node.to_science() for key, node in shards["labels"].items()}
    merged = campaign.merge_same(concatenate(list(tables.values())), _campaign(settings), stage=_stage(stage))
    return _per_shard(merged, tables)


@calcfunction
def extend_labels(**parts: LabelsData) -> LabelsData:
    """Results of several jobs or rounds as one table."""
    return LabelsData.from_science(_joined(parts))


@calcfunction
def look_up(record: LabelsData, chosen: DecisionsData, stage: orm.Dict) -> LabelsData:
    """The record's rows for the chosen candidates, as results of this stage.

    Args:
        record: published results.
        chosen: the rows to look up are those that it keeps.
        stage: StageSettings.
    """
    asked = chosen.to_science()
    rows = campaign.recorded(record.rows(asked.ids[asked.keep]), asked, _stage(stage))
    return LabelsData.from_science(rows)


@calcfunction
def mark_failed(
    cells: CandidatesData | LabelsData, chosen: DecisionsData, stage: orm.Dict, reason: orm.Str, scheme: orm.Str
) -> LabelsData:
    """Rows with a reason for chosen candidates whose job gave nothing.

    Args:
        cells: the cells that went in.
        chosen: the rows that failed are those that it keeps.
        stage: StageSettings.
        reason: why there is no energy.
        scheme: functional, settings and corrections that the energies would have had.
    """
    rows = campaign.failed(
        cells.to_science(), chosen.to_science(), _stage(stage), reason=reason.value, scheme=scheme.value
    )
    return LabelsData.from_science(rows)


@calcfunction
def split_chosen(chosen: DecisionsData, size: orm.Int) -> Shards:
    """The chosen rows in portions, one for each job.

    Args:
        chosen: the rows that are chosen are those that it keeps.
        size: rows of a portion, at most.
    """
    return {
        f"job_{index:04d}": DecisionsData.from_science(part)
        for index, part in enumerate(campaign.portions(chosen.to_science(), size=size.value))
    }


@calcfunction
def conclude(references: ReferencesData, order: orm.List, **shards: Any) -> Shards:
    """One row for every candidate ever considered: decisions by shard.

    ``shards`` holds ``candidates`` and ``results`` by shard, and ``trail``: decisions by step and shard.

    Args:
        references: known phases.
        order: the steps of ``trail``, oldest first; the last one that names a candidate counts.
        **shards: the tables, as said above.
    """
    fetch(leaves(shards).values())
    known = references.to_science()
    results = {key: node.to_science() for key, node in shards.get("results", {}).items()}
    if results:
        everything = concatenate(list(results.values()))
        heights = campaign.final_heights(everything, known)
    steps = [shards["trail"][step] for step in order.get_list()]
    outcomes = {}
    for key, candidates in shards["candidates"].items():
        own = results.get(key)
        table = campaign.final_outcomes(
            candidates.names(),
            [step[key].to_science() for step in steps if key in step],
            own,
            known,
            heights=None if own is None else heights[everything.positions(own.ids)],
        )
        outcomes[key] = DecisionsData.from_science(table)
    return outcomes


@calcfunction
def promote(candidates: CandidatesData, outcomes: DecisionsData, results: LabelsData) -> Shards:  # noqa: ARG001
    """The phases on the final hull as structures of their own, labeled with their candidate's id.

    Args:
        candidates: a shard; an input so that a structure leads back to its row by one link.
        outcomes: one row per candidate of the shard.
        results: of the last stage, of the same shard.
    """
    stable = campaign.on_hull(outcomes.to_science(), results.to_science())
    structures = {}
    for index, name in enumerate(stable.ids.tolist()):
        node = orm.StructureData(pymatgen=stable.crystals.structure(index))
        node.label = name
        node.description = f"{stable.formulas[index]}, {stable.energies[index]:.6f} eV/atom after stage {stable.stage}"
        structures[f"phase_{index:04d}"] = node
    return {"phases": structures} if structures else {}


@calcfunction
def summarize(settings: orm.Dict, **shards: Any) -> orm.Dict:
    """Funnel and costs.

    ``shards`` holds ``outcomes`` by shard, and by stage and shard ``stages``, the results, and ``merged``.

    Args:
        settings: CampaignSettings.
        **shards: the tables, as said above.
    """
    fetch(leaves(shards).values())
    whole = _campaign(settings)
    slots = [f"stage_{index}" for index in range(len(whole.stages))]
    tables = {
        kind: {slot: [node.to_science() for node in shards[kind][slot].values()] for slot in slots if slot in by_slot}
        for kind in ("stages", "merged")
        for by_slot in [shards.get(kind, {})]
    }
    outcomes = [node.to_science() for node in shards["outcomes"].values()]
    return orm.Dict(campaign.summarize(outcomes, tables["stages"], whole, merged=tables["merged"]))


def _stage(node: orm.Dict) -> StageSettings:
    return settings_of(node, StageSettings)


def _campaign(node: orm.Dict) -> CampaignSettings:
    return settings_of(node, CampaignSettings)


def _joined(shards: Shards) -> Any:
    """All rows of shards and their increments as one table."""
    tables = leaves(shards)
    return concatenate([tables[name].to_science() for name in sorted(tables)])


def _per_shard(decided: Any, tables: dict[str, Any]) -> Shards:
    """Split one table of decisions into the shards that its rows came from."""
    return {
        key: DecisionsData.from_science(decided.take(decided.positions(table.ids[decided.has(table.ids)])))
        for key, table in tables.items()
    }
