"""The calcfunctions: every step of the loop that is not a job, one line of science each.

AiiDA's caching looks at the whole source file of a calcfunction, so this module stays small and
changes seldom; what is computed lives in :mod:`aiida_mlhull.science`.
"""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.data import (
    CandidatesData,
    DecisionsData,
    EnsembleData,
    LabelsData,
    ReferencesData,
)
from aiida_mlhull.science import campaign
from aiida_mlhull.science.campaign.settings import CampaignSettings, StageSettings
from aiida_mlhull.science.ensembles import EnsembleSettings, join
from aiida_mlhull.science.types import concatenate

Shards = dict[str, Any]


@calcfunction
def split_settings(settings: orm.Dict) -> Shards:
    """The campaign's settings in the parts that its processes take: ``stages`` and ``ensemble``."""
    whole = _campaign(settings)
    return {
        "ensemble": orm.Dict(whole.ensemble.model_dump(mode="json")),
        "stages": {
            f"stage_{index:02d}": orm.Dict(stage.model_dump(mode="json")) for index, stage in enumerate(whole.stages)
        },
    }


@calcfunction
def gather_ensemble(settings: orm.Dict, **members: EnsembleData) -> EnsembleData:
    """One ensemble from the parts that jobs have fitted."""
    parts = [members[key].to_science() for key in sorted(members)]
    return EnsembleData.from_science(join(parts, settings=EnsembleSettings.model_validate(settings.get_dict())))


@calcfunction
def enter_first_stage(candidates: CandidatesData, stage: orm.Dict) -> DecisionsData:
    """Who may be considered for the first stage."""
    entered = campaign.enter_first_stage(candidates.to_science(), stage=_stage(stage).name)
    return DecisionsData.from_science(entered)


@calcfunction
def enter_next_stage(labels: LabelsData, stage: orm.Dict, merged: DecisionsData | None = None) -> DecisionsData:
    """Who may be considered for the next stage: what came out of the last one and was not merged away."""
    twins = None if merged is None else merged.to_science()
    entered = campaign.enter_next_stage(labels.to_science(), twins, stage=_stage(stage).name)
    return DecisionsData.from_science(entered)


@calcfunction
def still_waiting(pool: DecisionsData, done: LabelsData | None = None) -> DecisionsData:
    """Who is in the pool and was not relaxed yet."""
    labels = None if done is None else done.to_science()
    return DecisionsData.from_science(campaign.still_waiting(pool.to_science(), labels))


@calcfunction
def choose_start(settings: orm.Dict, position: orm.Dict, **shards: Any) -> Shards:
    """Draw the start set from all shards together.

    ``position`` says ``total``, and how many results there are (``have``) that models can learn from;
    ``shards`` holds ``pools`` by shard.
    """
    tables = {key: pool.to_science() for key, pool in shards["pools"].items()}
    chosen = campaign.choose_start(
        concatenate(list(tables.values())), _campaign(settings), total=position["total"], have=position["have"]
    )
    return _per_shard(chosen, tables)


@calcfunction
def decide_round(
    settings: orm.Dict, stage: orm.Dict, position: orm.Dict, references: ReferencesData, **shards: Any
) -> Shards:
    """Decide who is relaxed in this round.

    ``position`` says ``round`` and ``total``; ``shards`` holds ``predictions``, and ``results`` of the
    last stage so far, by shard.
    """
    tables = {key: node.to_science() for key, node in shards["predictions"].items()}
    decided = campaign.decide_round(
        concatenate(list(tables.values())),
        concatenate([node.to_science() for node in shards["results"].values()]),
        references.to_science(),
        _campaign(settings),
        stage=_stage(stage),
        number=position["round"],
        total=position["total"],
    )
    return _per_shard(decided, tables)


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

    ``shards`` holds ``results`` of the last stage by shard.
    """
    found = campaign.assess(
        concatenate([node.to_science() for node in shards["results"].values()]),
        references.to_science(),
        _campaign(settings),
        stage=_stage(stage),
        number=position["round"],
        total=position["total"],
        waiting=position["waiting"],
        previous=None if previous is None else previous.get_dict(),
    )
    return orm.Dict(found)


@calcfunction
def merge_same(settings: orm.Dict, stage: orm.Dict, **shards: Any) -> Shards:
    """Find crystals that have become the same; ``shards`` holds the stage's ``labels`` by shard."""
    tables = {key: node.to_science() for key, node in shards["labels"].items()}
    merged = campaign.merge_same(concatenate(list(tables.values())), _campaign(settings), stage=_stage(stage))
    return _per_shard(merged, tables)


@calcfunction
def extend_labels(**parts: LabelsData) -> LabelsData:
    """Results of several jobs or batches as one table."""
    return LabelsData.from_science(concatenate([parts[key].to_science() for key in sorted(parts)]))


@calcfunction
def look_up(record: LabelsData, chosen: DecisionsData, stage: orm.Dict) -> LabelsData:
    """The record's rows for the chosen ids, as results of this stage."""
    rows = campaign.recorded(record.to_science(), chosen.to_science(), _stage(stage))
    return LabelsData.from_science(rows)


@calcfunction
def mark_failed(
    cells: CandidatesData | LabelsData, chosen: DecisionsData, stage: orm.Dict, reason: orm.Str, scheme: orm.Str
) -> LabelsData:
    """Rows with a reason for chosen candidates whose job gave nothing."""
    rows = campaign.failed(
        cells.to_science(), chosen.to_science(), _stage(stage), reason=reason.value, scheme=scheme.value
    )
    return LabelsData.from_science(rows)


@calcfunction
def split_chosen(chosen: DecisionsData, size: orm.Int) -> Shards:
    """The chosen rows in portions of at most ``size``, one for each job."""
    return {
        f"job_{index:04d}": DecisionsData.from_science(part)
        for index, part in enumerate(campaign.portions(chosen.to_science(), size=size.value))
    }


@calcfunction
def conclude(references: ReferencesData, **shards: Any) -> Shards:
    """One row for every candidate ever considered: ``outcomes`` by shard.

    ``shards`` holds ``candidates`` and ``results`` by shard, and ``trail``: decisions by number and shard.
    """
    results = {key: node.to_science() for key, node in shards.get("results", {}).items()}
    everything = concatenate(list(results.values())) if results else None
    outcomes = {}
    for key, candidates in shards["candidates"].items():
        steps = [shards["trail"][step] for step in sorted(shards["trail"])]
        outcomes[key] = campaign.final_outcomes(
            candidates.to_science(),
            [step[key].to_science() for step in steps if key in step],
            results.get(key),
            references.to_science(),
            everything=everything,
        )
    return {key: DecisionsData.from_science(table) for key, table in outcomes.items()}


@calcfunction
def promote(candidates: CandidatesData, outcomes: DecisionsData, results: LabelsData) -> Shards:  # noqa: ARG001
    """The phases on the final hull as structures of their own, labeled with their candidate's id.

    The candidates are an input so that a structure leads back to its row by one link.
    """
    found = campaign.on_hull(outcomes.to_science(), results.to_science())
    structures = {}
    for index, name in enumerate(found.ids.tolist()):
        node = orm.StructureData(pymatgen=found.crystals.structure(index))
        node.label = name
        node.description = f"{found.formulas[index]}, {found.energies[index]:.6f} eV/atom after stage {found.stage}"
        structures[f"phase_{index:04d}"] = node
    return {"phases": structures} if structures else {}


@calcfunction
def summarize(settings: orm.Dict, **shards: Any) -> orm.Dict:
    """Funnel and costs.

    ``shards`` holds ``outcomes`` by shard, and by stage and shard ``stages``, the results, and ``merged``.
    """
    tables = {
        kind: {slot: [node.to_science() for node in by_slot[slot].values()] for slot in sorted(by_slot)}
        for kind in ("stages", "merged")
        for by_slot in [shards.get(kind, {})]
    }
    outcomes = [node.to_science() for node in shards["outcomes"].values()]
    return orm.Dict(campaign.summarize(outcomes, tables["stages"], _campaign(settings), merged=tables["merged"]))


def _stage(node: orm.Dict) -> StageSettings:
    return StageSettings.model_validate(node.get_dict())


def _campaign(node: orm.Dict) -> CampaignSettings:
    return CampaignSettings.model_validate(node.get_dict())


def _per_shard(decided: Any, tables: dict[str, Any]) -> Shards:
    """Split one table of decisions into the shards that its rows came from."""
    return {
        key: DecisionsData.from_science(decided.take(decided.positions(table.ids[decided.has(table.ids)])))
        for key, table in tables.items()
    }
