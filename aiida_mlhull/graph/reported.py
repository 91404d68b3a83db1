"""What a report needs of a campaign, brought together from the graph; the campaign may still run, or have failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull import names
from aiida_mlhull.graph import campaigns, comparison, costs, history, progress, results
from aiida_mlhull.graph.models import record_of, said_before
from aiida_mlhull.graph.properties import predicted
from aiida_mlhull.graph.rows import TABLE
from aiida_mlhull.graph.watching.stages import as_json, describe
from aiida_mlhull.science.errors import InputError

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.science.campaign.comparison import Comparison
    from aiida_mlhull.science.report import Arrival, Identity, Material, RoundMaterial, Spending, StageMaterial
    from aiida_mlhull.science.types import Decisions, Labels

MOST_COMPARED: Final = 20_000
"""Candidates of a round up to which all keep-rules are tried; beyond, ``aiida-mlhull rules`` is asked for it."""

STANDIN: Final = "Energies of this campaign come from a stand-in that relaxes with a universal potential"


def material(node: orm.ProcessNode) -> Material:
    """Everything that a report tells of a campaign, before anything is computed."""
    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.report import Material
    from aiida_mlhull.science.types import concatenate

    inputs = node.inputs
    settings = CampaignSettings.model_validate(inputs[names.SETTINGS].get_dict())
    stages = [_stage(node, stage.name) for stage in settings.stages]
    told = progress.progress(node)
    return Material(
        identity=_identity(node),
        settings=settings,
        candidates=concatenate([shard.to_science() for _, shard in sorted(inputs[names.CANDIDATES].items())]),
        references=inputs[names.REFERENCES].to_science(),
        outcomes=_outcomes(node),
        started=results.started(node.pk),
        stages=stages,
        rounds=list(_rounds(node.pk)),
        stocks=results.all_stocks(node.pk),
        arrivals=list(_arrivals(node.pk)),
        spending=_spending(node),
        record=record_of(node),
        comparisons=_comparisons(node),
        order=() if stages[-1].labels is None else _order(node),
        progress=describe(told),
        figures=as_json(told),
        properties=predicted.predicted(node.pk),
    )


def fingerprint(node: orm.ProcessNode) -> str:
    """Differs when a report would: state, results, rounds; costs two queries."""
    results_so_far = history.result_tables(node.pk).count()
    return f"{campaigns.process_state(node)}, {results_so_far} tables, {len(results.all_stocks(node.pk))} stocks"


def _identity(node: orm.ProcessNode) -> Identity:
    from importlib.metadata import version

    from aiida_mlhull.science.not_vasp import NOT_VASP
    from aiida_mlhull.science.report import Identity

    stored = node.base.attributes.get("version", {})
    versions = {"aiida-core": stored.get("core", ""), "aiida-mlhull": stored.get("plugin") or version("aiida-mlhull")}
    return Identity(
        name=node.label or f"campaign {node.pk}",
        pk=node.pk,
        uuid=node.uuid,
        state=campaigns.process_state(node),
        running=not node.is_terminated,
        created=node.ctime,
        written=datetime.now(tz=timezone.utc),
        versions={name: number for name, number in versions.items() if number},
        standin=f"{STANDIN}: {NOT_VASP}" if _uses_standin(node) else "",
    )


def _uses_standin(node: orm.ProcessNode) -> bool:
    """Whether one of the campaign's codes is the stand-in for VASP."""
    from aiida import orm

    from aiida_mlhull.science.not_vasp import PROGRAM

    codes = [link.node for link in node.base.links.get_incoming(node_class=orm.InstalledCode).all()]
    return any(code.filepath_executable.name == PROGRAM for code in codes)


def _outcomes(node: orm.ProcessNode) -> Decisions | None:
    try:
        return results.outcomes(node)
    except InputError:
        return None  # no candidate has been considered yet


def _stage(node: orm.ProcessNode, stage: str) -> StageMaterial:
    """Results of a stage, of a candidate with several rows the newest; and who gave each."""
    import numpy as np

    from aiida_mlhull.science.report import StageMaterial
    from aiida_mlhull.science.types import concatenate

    query = history.result_tables(node.pk)
    query.add_filter(TABLE, {"attributes.stage": stage})
    query.add_projection("step", "id")
    query.add_projection(TABLE, "*")
    query.order_by({TABLE: {"ctime": "desc"}})
    tables: list[Labels] = []
    processes: dict[str, int] = {}
    for pk, table in query.all():
        rows: Labels = table.to_science()
        for newer in tables:
            rows = rows.without(newer.ids)
        tables.append(rows)
        processes |= dict.fromkeys(rows.ids.tolist(), pk)
    labels = concatenate(tables) if tables else None
    return StageMaterial(
        name=stage,
        labels=labels,
        processes=np.asarray(
            [] if labels is None else [processes[name] for name in labels.ids.tolist()], dtype=np.int64
        ),
        merged=_merged(node.pk, stage),
    )


def _merged(pk: int | None, stage: str) -> Decisions | None:
    from aiida import orm

    from aiida_mlhull.data import DecisionsData
    from aiida_mlhull.science.types import concatenate

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(orm.CalcFunctionNode, with_incoming="campaign", filters=names.any_of(names.MERGE_SAME), tag="step")
    query.append(DecisionsData, with_incoming="step", filters={"attributes.stage": stage}, project="*")
    tables = [table.to_science() for table in query.all(flat=True)]
    return concatenate(tables) if tables else None


def _rounds(pk: int | None) -> Iterator[RoundMaterial]:
    """All rounds, the oldest first, shards together."""
    from aiida_mlhull.science.report import RoundMaterial
    from aiida_mlhull.science.triage.committee import as_one, side_by_side
    from aiida_mlhull.science.types import concatenate

    by_round: dict[tuple[str, int], list[Any]] = {}
    for table, ensembles in history.rounds(pk):
        facts = table.base.attributes
        by_round.setdefault((facts.get("stage"), facts.get("round")), []).append((table, ensembles))
    for tables in by_round.values():
        said, ensembles = said_before(tables[0][0].creator), tables[0][1]
        yield RoundMaterial(
            decisions=concatenate([table.to_science() for table, _ in tables]),
            predictions=as_one(side_by_side(said)),
            models=", ".join(history.describe_models(one, name) for name, one in sorted(ensembles.items())),
        )


def _arrivals(pk: int | None) -> Iterator[Arrival]:
    """When results came, without opening the tables."""
    from aiida_mlhull.science.report import Arrival

    query = history.result_tables(pk)
    facts = ["ctime", "attributes.stage", "attributes.n_rows", "attributes.n_succeeded"]
    query.add_projection(TABLE, facts)
    query.order_by({TABLE: {"ctime": "asc"}})
    for when, stage, rows, succeeded in query.iterall():
        yield Arrival(
            when=when, stage=stage, results=rows, failed=rows - (succeeded if succeeded is not None else rows)
        )


def _spending(node: orm.ProcessNode) -> Spending:
    from aiida_mlhull.science.report import Spending

    try:
        account, (spent, without, saved) = costs.account(node), costs.savings(node)
        ledger = costs.ledger(node)
    except InputError:
        return Spending()  # no candidate has been considered yet
    rows: list[Mapping[str, Any]] = ledger.astype(object).where(ledger.notna(), None).to_dict("records")
    return Spending(
        ledger=rows,
        spent=spent,
        without=without,
        saved=saved,
        cached=results.cached_jobs(node.pk),
        merging=account.get("merging", {}),
    )


def _comparisons(node: orm.ProcessNode) -> dict[str, Comparison]:
    """What every keep-rule would have done in the first round at each gate."""
    found = {}
    for stage in node.inputs[names.SETTINGS]["stages"]:
        counted = [one for one in results.rounds(node.pk) if one.stage == stage["name"] and one.number == 1]
        if counted and counted[0].asked <= MOST_COMPARED:
            compared = comparison.compare_rules(node, number=1, stage=stage["name"])
            found[f"{compared.stage}, round {compared.number}"] = compared.comparison
    return found


def _order(node: orm.ProcessNode) -> list[str]:
    return results.relaxation_order(node)[0]
