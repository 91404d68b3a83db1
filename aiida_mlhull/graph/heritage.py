"""What a campaign leaves to one that goes on from it: nodes, by the names of the inputs that they become."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiida_mlhull import names
from aiida_mlhull.calculations.base import Nodes
from aiida_mlhull.graph.rows import TABLE

if TYPE_CHECKING:
    from aiida import orm


def heritage(campaign: orm.ProcessNode) -> dict[str, Nodes]:
    """All results, ionic steps, draws of start sets and last decisions of a campaign, whatever became of it.

    What it had taken over itself is among it, so that one earlier campaign is enough.

    Returns:
        ``results`` and ``steps`` by stage and number, ``draws`` by stage, number and shard, ``rounds`` by stage and
        shard, ``stocks`` by stage: what was there before those rounds.
    """
    own: Nodes = {}
    if names.EARLIER in campaign.inputs:
        own = campaign.inputs[names.EARLIER]
    rounds = _rounds(campaign.pk) or {stage: dict(tables) for stage, tables in own.get("rounds", {}).items()}
    return {
        "results": _results(campaign.pk),
        "steps": {**dict(own.get("steps", {})), **_steps(campaign.pk)},
        "draws": _draws(campaign.pk),
        "rounds": rounds,
        "stocks": _stocks(campaign.pk, rounds) or dict(own.get("stocks", {})),
    }


def _results(pk: int | None) -> dict[str, Nodes]:
    """Results by stage, the oldest first: of engines that have ended their one table, of others what there is."""
    from aiida import orm

    from aiida_mlhull.data import LabelsData
    from aiida_mlhull.graph.history import result_tables

    whole = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    whole.append(orm.WorkChainNode, with_incoming="campaign", filters=names.none_of(names.ROUND), tag="engine")
    whole.append(
        LabelsData, with_incoming="engine", edge_filters={"label": names.LABELS}, project=["attributes.stage", "*"]
    )
    ended = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    ended.append(orm.WorkChainNode, with_incoming="campaign", tag="engine", project="id")
    ended.append(LabelsData, with_incoming="engine", edge_filters={"label": names.LABELS})
    rest = result_tables(pk, but_of=ended.all(flat=True))
    rest.add_projection(TABLE, ["attributes.stage", "*"])
    found: dict[str, Nodes] = {}
    rows = sorted([*whole.all(), *rest.all()], key=lambda row: row[1].ctime)
    for stage, node in rows:
        tables = found.setdefault(stage, {})
        tables[f"part_{len(tables):05d}"] = node
    return found


def _steps(pk: int | None) -> Nodes:
    """Ionic steps that engines have handed over."""
    from aiida import orm

    from aiida_mlhull.data import LabelsData

    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(orm.WorkChainNode, with_incoming="campaign", tag="engine")
    query.append(LabelsData, with_incoming="engine", edge_filters={"label": names.STEPS}, project="*")
    return {f"steps_{node.pk}": node for node in query.all(flat=True)}


def _draws(pk: int | None) -> dict[str, dict[str, Nodes]]:
    """Draws of start sets, those that were taken over first."""
    from aiida import orm

    from aiida_mlhull.data import DecisionsData

    found: dict[str, dict[str, Nodes]] = {}
    given = orm.load_node(pk).inputs
    for stage, draws in (given[names.EARLIER].get("draws", {}) if names.EARLIER in given else {}).items():
        found[stage] = {number: dict(shards) for number, shards in draws.items()}
    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(
        orm.CalcFunctionNode,
        with_incoming="campaign",
        filters=names.any_of(names.CHOOSE_START),
        project="id",
        tag="draw",
    )
    query.append(DecisionsData, with_incoming="draw", edge_project="label", project=["attributes.stage", "*"])
    query.order_by({"draw": {"ctime": "asc"}})
    numbers: dict[int, str] = {}
    for step, stage, node, key in query.all():
        draws = found.setdefault(stage, {})
        number = numbers.setdefault(step, f"draw_{len(draws):03d}")
        draws.setdefault(number, {})[key] = node
    return found


def _rounds(pk: int | None) -> dict[str, Nodes]:
    """Decisions of the last round at every gate."""
    from aiida import orm

    from aiida_mlhull.data import DecisionsData

    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(orm.WorkChainNode, with_incoming="campaign", filters=names.any_of(names.ROUND), tag="round")
    query.append(orm.CalcFunctionNode, with_incoming="round", filters=names.any_of(names.DECIDE_ROUND), tag="step")
    query.append(
        DecisionsData,
        with_incoming="step",
        edge_project="label",
        project=["attributes.stage", "attributes.round", "*"],
        tag=TABLE,
    )
    query.order_by({TABLE: {"ctime": "asc"}})
    rows = query.all()
    last: dict[str, int] = {}
    for stage, number, _, _ in rows:
        last[stage] = max(number, last.get(stage, 0))
    found: dict[str, Nodes] = {}
    for stage, number, node, key in rows:
        if number == last[stage]:
            found.setdefault(stage, {})[key] = node
    return found


def _stocks(pk: int | None, rounds: dict[str, Nodes]) -> Nodes:
    """What was there before the last round at every gate."""
    from aiida import orm

    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(orm.CalcFunctionNode, with_incoming="campaign", filters=names.any_of(names.ASSESS), tag="assess")
    query.append(orm.Dict, with_incoming="assess", project="*", tag="stock")
    query.order_by({"stock": {"ctime": "asc"}})
    last = {
        stage: max(node.base.attributes.get("round") for node in tables.values()) for stage, tables in rounds.items()
    }
    return {node["stage"]: node for node in query.all(flat=True) if node["round"] == last.get(node["stage"], 0) - 1}
