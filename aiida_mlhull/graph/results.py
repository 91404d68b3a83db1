"""What a campaign did, counted from its nodes: rounds, costs of the models, phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull import names
from aiida_mlhull.graph.rows import TABLE, opened
from aiida_mlhull.graph.story import story_pks
from aiida_mlhull.science.errors import InputError

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.data import LabelsData
    from aiida_mlhull.science.metrics import BatchScore
    from aiida_mlhull.science.types import Decisions, Labels

PROPERTY_JOBS: Final = "properties"
MODEL_JOBS: Final = {names.FIT: "fit", names.PREDICT: "predict"}
CACHED: Final = "_aiida_cached_from"
"""Extra of processes that AiiDA has taken from its cache."""


@dataclass(frozen=True)
class RoundCount:
    """One round at a gate.

    Attributes:
        stage: that it was about.
        number: of the round.
        asked: candidates that the models were asked about.
        kept: of those, sent on.
        waiting: kept by the rule, but without a place in the batch.
        rejected: dropped by the rule.
        relaxed: results of the last stage after the round.
        stable: of those, on the hull.
        new: of those, not there before.
    """

    stage: str
    number: int
    asked: int
    kept: int
    waiting: int
    rejected: int
    relaxed: int | None
    stable: int | None
    new: int | None


@dataclass(frozen=True)
class JobCost:
    """Jobs of one kind that served the models.

    Attributes:
        kind: ``fit``, ``predict``, or ``properties`` for predictions of other properties than energies.
        jobs: how many.
        core_minutes: together, as the program measured.
    """

    kind: str
    jobs: int
    core_minutes: float


def rounds(pk: int | None) -> list[RoundCount]:
    """All rounds of a campaign, in order."""
    from aiida_mlhull.graph.history import decided_in_rounds
    from aiida_mlhull.science.types.reasons import Reason

    columns = ("stage", "round", "n_rows", "n_kept", "dropped_reasons")
    query = decided_in_rounds(story_pks(pk))
    query.add_projection(TABLE, [f"attributes.{column}" for column in columns])
    counts: dict[tuple[str, int], list[int]] = {}
    for _, stage, number, n_rows, n_kept, dropped in query.all():
        one = counts.setdefault((stage, number), [0, 0, 0])
        one[0] += n_rows
        one[1] += n_kept
        one[2] += dropped.get(Reason.BATCH_FULL, 0)
    stocks = {(stock["stage"], stock["round"]): stock for stock in all_stocks(pk)}
    found = []
    for (stage, number), (asked, kept, waiting) in counts.items():
        stock = stocks.get((stage, number))
        found.append(
            RoundCount(
                stage=stage,
                number=number,
                asked=asked,
                kept=kept,
                waiting=waiting,
                rejected=asked - kept - waiting,
                relaxed=None if stock is None else stock["relaxed"],
                stable=None if stock is None else len(stock["stable"]),
                new=None if stock is None else len(stock["new_phases"]),
            )
        )
    return found


def all_stocks(pk: int | None) -> list[dict[str, Any]]:
    """Every stock-taking of a campaign and of those that it goes on from, the oldest first."""
    from aiida import orm

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": {"in": story_pks(pk)}}, tag="campaign")
    query.append(orm.CalcFunctionNode, with_incoming="campaign", filters=names.any_of(names.ASSESS), tag="assess")
    query.append(orm.Dict, with_incoming="assess", project="attributes", tag="stock")
    query.order_by({"stock": {"ctime": "asc"}})
    return [dict(found) for found in query.all(flat=True)]


def model_costs(pk: int | None) -> list[JobCost]:
    """What fitting and predicting cost, in a campaign and those that it goes on from; jobs from AiiDA's cache were paid for before."""
    from aiida import orm

    from aiida_mlhull.science.units import SECONDS_PER_MINUTE

    kinds = {process_type: kind for name, kind in MODEL_JOBS.items() for process_type in name.process_types}
    minutes: dict[str, list[float]] = {kind: [] for kind in (*MODEL_JOBS.values(), PROPERTY_JOBS)}
    for query, of_properties in ((_model_jobs(pk), False), (_property_jobs(pk), True)):
        query.add_filter("job", {"extras": {"!has_key": CACHED}})
        query.add_projection("job", ["process_type", "attributes.resources"])
        edge = {"label": names.JOB_RESULTS}
        query.append(orm.Dict, with_incoming="job", edge_filters=edge, project="attributes.wall_seconds")
        for process_type, resources, seconds in query.iterall():
            cores = (resources or {}).get("num_cores_per_mpiproc") or 1
            kind = PROPERTY_JOBS if of_properties else kinds[process_type]
            minutes[kind].append(cores * seconds / SECONDS_PER_MINUTE)
    return [JobCost(kind=kind, jobs=len(costs), core_minutes=sum(costs)) for kind, costs in minutes.items()]


def cached_jobs(pk: int | None) -> int:
    """How many jobs of a campaign's models came from AiiDA's cache."""
    queries = (_model_jobs(pk), _property_jobs(pk))
    return sum(query.add_filter("job", {"extras": {"has_key": CACHED}}).count() for query in queries)


def _model_jobs(pk: int | None) -> orm.QueryBuilder:
    """Jobs that fitted models of a campaign, or asked them."""
    from aiida import orm

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": {"in": story_pks(pk)}}, tag="campaign")
    query.append(orm.WorkChainNode, with_incoming="campaign", filters=names.any_of(names.ROUND), tag="round")
    waves = names.any_of(names.FIT_ENSEMBLE, names.PREDICT_SHARDS)
    query.append(orm.WorkChainNode, with_incoming="round", filters=waves, tag="wave")
    query.append(orm.CalcJobNode, with_incoming="wave", filters=names.any_of(*MODEL_JOBS), tag="job")
    return query


def _property_jobs(pk: int | None) -> orm.QueryBuilder:
    """Jobs that asked ensembles of properties, which a campaign calls itself."""
    from aiida import orm

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": {"in": story_pks(pk)}}, tag="campaign")
    waves = names.any_of(names.PREDICT_SHARDS)
    query.append(orm.WorkChainNode, with_incoming="campaign", filters=waves, tag="wave")
    query.append(orm.CalcJobNode, with_incoming="wave", filters=names.any_of(names.PREDICT), tag="job")
    return query


def results(node: orm.ProcessNode) -> Labels:
    """Results of the last stage of a campaign, all shards; of one that has not ended, those stored so far.

    Raises:
        InputError: if there are none yet.
    """
    from aiida_mlhull.science.types import concatenate

    outputs = _outputs(node, names.RESULTS)
    if outputs:
        tables: list[Labels] = [table.to_science() for table in opened(outputs[key] for key in sorted(outputs))]
        return concatenate(tables)
    stage = node.inputs[names.SETTINGS]["stages"][-1]["name"]
    labels = stored_results(node, stage=stage)
    if labels is None:
        raise InputError(f"campaign {node.pk} ({node.label}) has no results of stage {stage} yet")
    return labels


def result_nodes(node: orm.ProcessNode, *, stage: str) -> list[LabelsData]:
    """Results of a stage as its engines gave them, the newest first."""
    from aiida_mlhull.graph.history import result_tables

    query = result_tables(node.pk)
    query.add_filter(TABLE, {"attributes.stage": stage})
    query.add_projection(TABLE, "*")
    query.order_by({TABLE: {"ctime": "desc"}})
    found: list[LabelsData] = query.all(flat=True)
    return found


def stored_results(node: orm.ProcessNode, *, stage: str) -> Labels | None:
    """Results of a stage as its engines gave them; of a candidate with several rows the newest. None if there are none."""
    from aiida_mlhull.science.types import first_of_each

    tables: list[Labels] = [table.to_science() for table in result_nodes(node, stage=stage)]
    return first_of_each(tables) if tables else None


def outcomes(node: orm.ProcessNode) -> Decisions:
    """One row for every candidate of a campaign, all shards; of one that has not ended, as if it stopped now.

    Raises:
        InputError: if no candidate has been considered yet.
    """
    from aiida_mlhull.science.types import concatenate

    outputs = _outputs(node, names.OUTCOMES)
    if outputs:
        tables: list[Decisions] = [table.to_science() for _, table in sorted(outputs.items())]
        return concatenate(tables)
    return _outcomes_so_far(node)


def _outcomes_so_far(node: orm.ProcessNode) -> Decisions:
    from aiida_mlhull.graph.history import decisions_on_entry
    from aiida_mlhull.science.campaign import final_outcomes
    from aiida_mlhull.science.types import concatenate

    trail = [table.to_science() for table in decisions_on_entry(node.pk)]
    if not trail:
        raise InputError(f"campaign {node.pk} ({node.label}) has not considered any candidate yet")
    return final_outcomes(
        concatenate([shard.to_science() for _, shard in sorted(node.inputs[names.CANDIDATES].items())]),
        trail,
        stored_results(node, stage=node.inputs[names.SETTINGS]["stages"][-1]["name"]),
        node.inputs[names.REFERENCES].to_science(),
    )


def _outputs(node: orm.ProcessNode, namespace: str) -> Mapping[str, Any]:
    """Outputs of a campaign by shard, whatever its version called them; empty if it has none.

    Asked for by their labels: ``node.outputs`` loads all that a campaign has given.
    """
    from aiida import orm

    for name in dict.fromkeys((namespace, names.EARLIER_OUTPUTS.get(namespace, namespace))):
        query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": node.pk}, tag="campaign")
        edges = {"label": {"like": f"{name}\\_\\_%"}}
        query.append(orm.Data, with_incoming="campaign", edge_filters=edges, edge_project="label", project="*")
        found = {label.removeprefix(f"{name}__"): table for table, label in query.all()}
        if found:
            return found
    return {}


def phases(node: orm.ProcessNode) -> Labels:
    """The candidates that a campaign put on the hull; of one that has not ended, those on it so far.

    Raises:
        InputError: if there are no results yet.
    """
    from aiida_mlhull.science.campaign import on_hull
    from aiida_mlhull.science.types import concatenate
    from aiida_mlhull.science.types.reasons import Reason

    ended, done = _outputs(node, names.OUTCOMES), _outputs(node, names.RESULTS)
    if not ended or not done:
        return on_hull(outcomes(node), results(node))
    found: list[Labels] = []
    # Most shards have none: they are not opened.
    keys = [key for key in sorted(ended) if Reason.ON_HULL in ended[key].base.attributes.get("kept_reasons")]
    opened(tables[key] for key in keys for tables in (ended, done))
    for key in keys:
        columns = ended[key].columns("ids", "reasons")
        found.append(done[key].rows(columns["ids"][columns["reasons"] == Reason.ON_HULL]))
    return concatenate(found) if found else next(iter(done.values())).rows([])


def may_have_result(node: orm.ProcessNode, identifier: str) -> bool:
    """Whether the last stage of a campaign gave a candidate an energy; of one that has not ended it is not said."""
    done = _outputs(node, names.RESULTS)
    if not done:
        return True
    rows = (table.row(identifier) for table in opened(done.values()))
    return any(row is not None and bool(row.succeeded[0]) for row in rows)


def structures(pk: int | None) -> dict[str, int]:
    """Pks of the structures that a campaign promoted, by candidate."""
    from aiida import orm

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(orm.StructureData, with_incoming="campaign", project=["label", "id"])
    return dict(query.all())


def batches(node: orm.ProcessNode) -> list[BatchScore]:
    """What every batch of the last stage has found, from the stored decisions and results.

    Raises:
        InputError: if there are no results yet.
    """
    from aiida_mlhull.graph.history import rounds as decided
    from aiida_mlhull.science.metrics import batch_scores, batches_of
    from aiida_mlhull.science.types import concatenate

    by_round: dict[int, list[Decisions]] = {}
    last = node.inputs.settings["stages"][-1]["name"]
    for table in opened(table for table, _ in decided(node.pk, stage=last)):
        by_round.setdefault(table.base.attributes.get("round"), []).append(table.kept())
    rows = results(node)
    rounds_ = [concatenate(by_round[number]) for number in sorted(by_round)]
    found = batches_of(rounds_, started(node.pk), rows)
    return list(batch_scores(found, rows, node.inputs[names.REFERENCES].to_science()))


def relaxation_order(node: orm.ProcessNode) -> tuple[list[str], int]:
    """Ids in the order in which a campaign that has ended took them into the last stage.

    Returns:
        The ids, and how many of them, from the first, went in before a model had a say. Within a batch
        the most promising comes first, as the round has ordered it.
    """
    import numpy as np

    from aiida_mlhull.graph.history import rounds as decided

    done = results(node).ids
    last = node.inputs.settings["stages"][-1]["name"]
    batches: dict[int, list[Decisions]] = {}
    for table, _ in decided(node.pk, stage=last):
        batches.setdefault(table.base.attributes.get("round"), []).append(table.to_science())
    order = started(node.pk)
    known = set(order)
    for number in sorted(batches):
        rows = [
            (-score, -margin, name)
            for table in batches[number]
            for keep, score, margin, name in zip(
                table.keep, table.scores, table.margins, table.ids.tolist(), strict=True
            )
            if keep
        ]
        order += [name for _, _, name in sorted(rows) if name not in known]
        known.update(order)
    reached = [name for name in order if name in set(done.tolist())]
    first = int(np.isin(started(node.pk), done).sum())
    return reached + [name for name in done.tolist() if name not in set(reached)], first


def started(pk: int | None) -> list[str]:
    """Ids of the start set, in their order."""
    tables = [table.columns("ids", "keep") for table in opened(table for table, _ in _draws(pk))]
    return sorted({name for table in tables for name in table["ids"][table["keep"]].tolist()})


def n_started(pk: int | None) -> int:
    """How many these are; after a single draw no table is opened."""
    steps = [step for _, step in _draws(pk)]
    if len(set(steps)) > 1:  # what failed in an earlier one may have been drawn again
        return len(started(pk))
    return sum(int(table.base.attributes.get("n_kept")) for table, _ in _draws(pk))


def _draws(pk: int | None) -> list[tuple[Any, int]]:
    """Tables of draws in which something was drawn, and the pks of the steps that drew."""
    from aiida import orm

    from aiida_mlhull.data import DecisionsData

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": {"in": story_pks(pk)}}, tag="campaign")
    query.append(orm.CalcFunctionNode, with_incoming="campaign", filters=names.any_of(names.CHOOSE_START), tag="draw")
    query.append(DecisionsData, with_incoming="draw", filters={"attributes.n_kept": {">": 0}}, project="*")
    query.add_projection("draw", "id")
    found: list[tuple[Any, int]] = [(table, step) for step, table in query.all()]
    return found
