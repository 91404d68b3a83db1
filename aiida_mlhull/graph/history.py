"""What the graph knows about one candidate, and about one round.

Only nodes that can hold an id are opened: tables carry their first and last id as attributes, and all
tables of a campaign are sorted by id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull import names
from aiida_mlhull.graph.rows import TABLE, holding
from aiida_mlhull.graph.story import story_pks
from aiida_mlhull.science.types.reasons import Reason, detail_of

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.data import CandidatesData
    from aiida_mlhull.science.types import Candidates, Decisions

STEPS: Final = {
    names.ENTER_FIRST_STAGE: "enters",
    names.ENTER_NEXT_STAGE: "enters",
    names.REQUIRE_PROPERTY: "requirement",
    names.CHOOSE_START: "start set",
    names.MERGE_SAME: "merging",
    names.CONCLUDE: "outcome",
}
"""Calcfunctions that a campaign itself calls to decide, and what they decide about."""

GATHERING: Final = (names.EXTEND_LABELS, names.PICK_RESULTS)
"""Calcfunctions that put together results which are in the graph already."""

COMPARING_NOTHING: Final = ("open", "start")
"""Who decides without a value and a threshold."""

OUTCOMES: Final[dict[str, str]] = {
    Reason.START_SET: "drawn",
    Reason.NOT_IN_START_SET: "not drawn",
    Reason.BATCH_FULL: "must wait",
    Reason.OPEN: "may enter",
}
"""Reasons whose outcome is not simply that the candidate was kept or dropped."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a candidate.

    Attributes:
        pk: of the node that tells it.
        what: stage, and what was at stake.
        outcome: kept, dropped, relaxed or failed.
        reason: code word of a decision, or the energy, or the reason of failure.
        numbers: value, threshold and margin of a decision; None where nothing was compared.
        unit: of the numbers.
        models: pk and description of the ensemble behind a decision, of several the one whose numbers it has, or where
            none has them alone, no pk and all of them; None where there is none.
        when: the node was created; events are in this order, which pks of an imported archive are not.
        campaign: pk of the campaign that did it.
    """

    pk: int | None
    what: str
    outcome: str
    reason: str
    numbers: tuple[float, float, float] | None = None
    unit: str = ""
    models: tuple[int | None, str] | None = None
    when: datetime | None = None
    campaign: int | None = None


def shards_with(identifier: str) -> list[tuple[CandidatesData, Candidates]]:
    """Shards that hold a candidate and its row there, the newest first.

    Cells that a campaign has made for labels lie in tables of their own, which went into no campaign: these are not meant.
    """
    from aiida import orm

    from aiida_mlhull.data import CandidatesData

    query = orm.QueryBuilder().append(CandidatesData, tag=TABLE).order_by({TABLE: {"ctime": "desc"}})
    rows = ((shard, shard.row(identifier)) for (shard,) in holding(query, identifier))
    return [(shard, row) for shard, row in rows if row is not None and not _was_made(shard)]


def _was_made(shard: CandidatesData) -> bool:
    """Whether it holds cells that were made for labels."""
    return shard.creator is not None and names.MAKE_CELLS.matches(shard.creator.process_type)


def campaigns_of(shard: CandidatesData) -> list[orm.ProcessNode]:
    """Campaigns that a shard went into, the newest first."""
    from aiida import orm

    query = orm.QueryBuilder()
    query.append(type(shard), filters={"id": shard.pk}, tag="shard")
    query.append(orm.WorkChainNode, with_incoming="shard", filters=names.any_of(names.SCREEN), tag="campaign")
    query.order_by({"campaign": {"ctime": "desc"}})
    found: list[orm.ProcessNode] = query.all(flat=True)
    return found


def events(campaign: orm.ProcessNode, identifier: str, shards: Sequence[CandidatesData] | None = None) -> list[Event]:
    """Everything that a campaign, and those that it goes on from, did with a candidate, in order.

    Args:
        campaign: its node.
        identifier: of the candidate.
        shards: that hold it; they are looked for if None.
    """
    holders = [shard for shard, _ in shards_with(identifier)] if shards is None else shards
    found: list[Event] = []
    for pk in story_pks(campaign.pk):
        keys = _keys(pk, [shard.pk for shard in holders])
        told = [
            *_own_decisions(pk, identifier, keys),
            *_properties(pk, identifier),
            *_round_decisions(pk, identifier, keys),
            *_results(pk, identifier),
        ]
        found += [replace(event, campaign=pk) for event in told]
    return sorted(found, key=attrgetter("when", "pk"))


def _keys(pk: int | None, shards: list[int | None]) -> list[str]:
    """What a campaign calls shards; its tables of them are outputs of that name, so that the others stay closed."""
    from aiida import orm

    from aiida_mlhull.data import CandidatesData

    if not shards:
        return []
    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(CandidatesData, with_outgoing="campaign", filters={"id": {"in": shards}}, edge_project="label")
    return [label.removeprefix(f"{names.CANDIDATES}__") for label in query.all(flat=True)]


def rounds(pk: int | None, *, number: int | None = None, stage: str | None = None) -> Iterator[tuple[Any, Any]]:
    """Tables of decisions that models made in a campaign, and the ensembles behind them, by name.

    Args:
        pk: of the campaign.
        number: only this round.
        stage: only this stage.
    """
    query = decided_in_rounds(story_pks(pk))
    query.add_projection(TABLE, "*")
    if number is not None:
        query.add_filter(TABLE, {"attributes.round": number})
    if stage is not None:
        query.add_filter(TABLE, {"attributes.stage": stage})
    yield from _with_ensembles(query.all())


def _own_decisions(pk: int | None, identifier: str, keys: list[str]) -> Iterator[Event]:
    from aiida import orm

    from aiida_mlhull.data import DecisionsData

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(
        orm.CalcFunctionNode,
        with_incoming="campaign",
        filters=names.any_of(*STEPS),
        tag="step",
        project="process_type",
    )
    edges = {"label": {"in": [*keys, names.FUNCTION_RESULT]}} if keys else {}
    query.append(DecisionsData, with_incoming="step", edge_filters=edges, tag=TABLE)
    for process_type, node in holding(query, identifier):
        row = node.row(identifier)
        if row is not None:
            (step,) = (name for name in STEPS if name.matches(process_type))
            what = STEPS[step] if step == names.CONCLUDE else f"{row.stage}: {STEPS[step]}"
            believed = {"": node.creator.inputs[names.ENSEMBLE]} if step == names.REQUIRE_PROPERTY else None
            yield _decision(node, row, what=what, ensembles=believed)


def _properties(pk: int | None, identifier: str) -> Iterator[Event]:
    from aiida_mlhull.graph.properties.predicted import said_of_candidate

    for said in said_of_candidate(pk, identifier):
        models = (said.ensemble.pk, describe_models(said.ensemble))
        yield Event(said.pk, said.where, "predicted", said.words, models=models, when=said.when)


def _round_decisions(pk: int | None, identifier: str, keys: list[str]) -> Iterator[Event]:

    decided = decided_in_rounds([pk], keys=keys)
    for node, ensembles in _with_ensembles(holding(decided, identifier)):
        row = node.row(identifier)
        if row is not None:
            yield _decision(node, row, what=f"{row.stage}: round {row.round}, {row.rule}", ensembles=ensembles)


def decided_in_rounds(pks: list[int | None], *, keys: list[str] | None = None) -> orm.QueryBuilder:
    """Decisions of these campaigns' rounds, the oldest first; projects the pk of the round.

    Args:
        pks: of the campaigns.
        keys: only of shards that are called so; of all if there are none.
    """
    from aiida import orm

    from aiida_mlhull.data import DecisionsData

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": {"in": pks}}, tag="campaign")
    query.append(
        orm.WorkChainNode, with_incoming="campaign", filters=names.any_of(names.ROUND), tag="round", project="id"
    )
    query.append(orm.CalcFunctionNode, with_incoming="round", filters=names.any_of(names.DECIDE_ROUND), tag="step")
    edges = {"label": {"in": keys}} if keys else {}
    query.append(DecisionsData, with_incoming="step", edge_filters=edges, tag=TABLE)
    return query.order_by({TABLE: {"ctime": "asc"}})


def _with_ensembles(decided: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Decisions, and the ensembles that their round fitted, by name; a single one has none."""
    from aiida import orm

    from aiida_mlhull.data import EnsembleData

    if not decided:
        return
    models = orm.QueryBuilder()
    models.append(
        orm.WorkChainNode, filters={"id": {"in": sorted({row[0] for row in decided})}}, tag="round", project="id"
    )
    models.append(
        orm.WorkChainNode,
        with_incoming="round",
        filters=names.any_of(names.PREDICT_SHARDS),
        tag="asked",
        edge_tag="call",
        edge_project="label",
    )
    models.append(EnsembleData, with_outgoing="asked", tag="ensemble", project="*")
    ensembles: dict[int, dict[str, Any]] = {}
    for row in models.iterdict():
        name = names.ensemble_called(row["call"]["label"])
        ensembles.setdefault(row["round"]["id"], {})[name] = row["ensemble"]["*"]
    for pk, node in decided:
        yield node, ensembles.get(pk, {})


def result_tables(pk: int | None, *, but_of: Collection[int] = ()) -> orm.QueryBuilder:
    """Results that engines or their lanes gave in a campaign, and those that it took over from an earlier one.

    Tables that only gather them are left out.

    Args:
        pk: of the campaign.
        but_of: engines whose results, and those of their lanes, are left out, too.
    """
    from aiida import orm

    from aiida_mlhull.data import LabelsData

    engines = [engine for engine in _called_by([pk]) if engine not in set(but_of)]
    lanes = _called_by(engines)
    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": {"in": [pk, *engines, *lanes]}}, tag="engine")
    query.append(orm.CalculationNode, with_incoming="engine", filters=names.none_of(*GATHERING), tag="step")
    edges = {"label": {"in": [names.LABELS, names.FUNCTION_RESULT]}}  # cells on the way have another one
    query.append(LabelsData, with_incoming="step", edge_filters=edges, tag=TABLE)
    return query


def decisions_on_entry(pk: int | None) -> list[Any]:
    """Tables of the candidates that may enter a stage, the oldest first.

    As in the campaign's own outcome, the last draw of the start set and the last round before a stage count.
    """
    from aiida import orm

    from aiida_mlhull.data import DecisionsData

    pks = story_pks(pk)
    callers = [*pks, *_called_by(pks)]
    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": {"in": callers}}, tag="caller")
    steps = (
        names.ENTER_FIRST_STAGE,
        names.ENTER_NEXT_STAGE,
        names.REQUIRE_PROPERTY,
        names.CHOOSE_START,
        names.DECIDE_ROUND,
    )
    query.append(
        orm.CalcFunctionNode,
        with_incoming="caller",
        filters=names.any_of(*steps),
        tag="step",
        project=["id", "process_type"],
    )
    query.append(DecisionsData, with_incoming="step", tag=TABLE, project=["attributes.stage", "*"])
    query.order_by({TABLE: {"ctime": "asc"}})
    rows = query.all()
    replaced = (names.CHOOSE_START, names.DECIDE_ROUND)
    newest = {(process_type, stage): step for step, process_type, stage, _ in rows}
    return [
        table
        for step, process_type, stage, table in rows
        if step == newest[process_type, stage] or not any(name.matches(process_type) for name in replaced)
    ]


def _results(pk: int | None, identifier: str) -> Iterator[Event]:
    """Rows that engines or their lanes gave."""
    from aiida_mlhull.science.units import COST_UNIT, ENERGY_UNIT

    query = result_tables(pk)
    query.add_projection("step", "process_type")
    for step, node in holding(query, identifier):
        row = node.row(identifier)
        if row is None:
            continue
        good = bool(row.succeeded[0])
        cost = f"{row.core_minutes[0]:.3g} {COST_UNIT} ({row.cost_basis})"
        yield Event(
            pk=node.pk,
            what=f"{row.stage}: engine {row.engine}",
            outcome="taken over" if names.TAKE_OVER.matches(step) else "relaxed" if good else "failed",
            reason=f"{row.energies[0]:.4f} {ENERGY_UNIT}, {cost}" if good else f"{row.failures[0]}, {cost}",
            when=node.ctime,
        )


def callers_below(pk: int | None) -> tuple[list[int | None], list[int | None]]:
    """WorkChains that a campaign has called, engines and rounds; and those that these have called, lanes and pools."""
    engines = _called_by([pk])
    return engines, _called_by(engines)


def _called_by(pks: list[int | None]) -> list[int | None]:
    """WorkChains that those with these pks have called."""
    from aiida import orm

    if not pks:
        return []
    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": {"in": pks}}, tag="caller")
    query.append(orm.WorkChainNode, with_incoming="caller", project="id")
    found: list[int | None] = query.all(flat=True)
    return found


def _decision(node: orm.Node, row: Decisions, *, what: str, ensembles: Mapping[str, Any] | None = None) -> Event:
    compared = row.rule not in COMPARING_NOTHING
    return Event(
        pk=node.pk,
        what=what,
        outcome=OUTCOMES.get(str(row.reasons[0]), "kept" if row.keep[0] else "dropped"),
        reason=str(row.reasons[0]),
        numbers=(float(row.values[0]), float(row.thresholds[0]), float(row.margins[0])) if compared else None,
        unit=row.unit if compared else "",
        models=_behind(ensembles or {}, reason=str(row.reasons[0])),
        when=node.ctime,
    )


def _behind(ensembles: Mapping[str, Any], *, reason: str) -> tuple[int | None, str] | None:
    """The ensemble that a committee's reason names first, or the only one; else all of them."""
    if not ensembles:
        return None
    first = detail_of(reason).partition(",")[0]
    chosen = {name: one for name, one in ensembles.items() if len(ensembles) == 1 or name == first}
    pk = next((one.pk for one in chosen.values()), None)
    return pk, ", ".join(describe_models(one, name) for name, one in sorted((chosen or ensembles).items()))


def describe_models(ensemble: Any, name: str = "") -> str:
    """Name, model and number of members of an ensemble's node."""
    attributes = ensemble.base.attributes
    told = f"{attributes.get('n_members')} x {attributes.get('model')}"
    return f"{name}: {told}" if name else told
