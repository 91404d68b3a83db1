"""How far a campaign is, stage by stage: counted from attributes and columns of its nodes, no table is opened.

A look costs a few queries, so that one can watch a campaign without slowing it down. Only the tables with the last
failures are read, for ids and reasons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull import names
from aiida_mlhull.graph import campaigns, results
from aiida_mlhull.graph.history import result_tables
from aiida_mlhull.graph.rows import TABLE
from aiida_mlhull.graph.watching.under_way import AtHand, UnderWay, at_hand, under_way

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.campaign.progress import CampaignProgress, Failure, ModelProgress, StageProgress

FAILURES_SHOWN: Final = 5
DURATIONS: Final = 200
"""So many of the newest jobs say how long jobs take."""


@dataclass(frozen=True)
class EngineRun:
    """One call of an engine.

    Attributes:
        pk: of its process.
        stage: that it works for.
        rows: candidates that it was given.
        begun: when it was called.
        ended: when it ended; None if it has not.
    """

    pk: int
    stage: str
    rows: int
    begun: datetime
    ended: datetime | None


@dataclass(frozen=True)
class ResultFacts:
    """What is known of a table of results without opening it.

    Attributes:
        step: process type of what has made it.
        pk: of its node.
        when: it was stored.
        stage: that it belongs to.
        rows: how many.
        failed: of those, without an energy.
        reasons: failed ones by the code of their reason.
        core_minutes: of all rows.
        first: id of the first row.
    """

    step: str
    pk: int
    when: datetime
    stage: str
    rows: int
    failed: int
    reasons: dict[str, int]
    core_minutes: float
    first: str

    @property
    def taken_over(self) -> bool:
        """Whether they are an earlier campaign's."""
        return names.TAKE_OVER.matches(self.step)


def progress(campaign: orm.ProcessNode, *, now: datetime | None = None) -> CampaignProgress:
    """How far a campaign is.

    Args:
        campaign: its node.
        now: the moment that times refer to; this one if None.
    """
    from aiida_mlhull.job_pool.steering import told
    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.campaign.progress import CampaignProgress, standstill
    from aiida_mlhull.science.types.strict import amount

    settings = CampaignSettings.model_validate(_settings(campaign.pk))
    total = _candidates(campaign.pk)
    ended = campaign.is_terminated
    moment = campaign.mtime if ended else now or datetime.now(tz=timezone.utc)
    runs, tables = engine_runs(campaign.pk), result_facts(campaign.pk)
    processes = [] if ended else under_way(campaign.pk)
    stages = _stages(settings, total=total, runs=runs, tables=tables, processes=processes, now=moment, over=ended)
    models = _models(campaign.pk, processes)
    stock, said = campaigns.stock(campaign.pk) or {}, told(campaign.pk)
    moved = [campaign.ctime, *(one.when for one in tables), *(one.created for one in processes)]
    quiet = max((moment - max(moved)).total_seconds(), 0.0)  # clocks of two machines may disagree
    durations = [] if ended else _durations(campaign.pk, models=any(one.serves_models for one in processes))
    return CampaignProgress(
        pk=campaign.pk,
        name=campaign.label,
        state=campaigns.process_state(campaign),
        told=said.word if said.pauses or said.stops else "",
        why=said.why,
        begun=campaign.ctime,
        seconds=max((moment - campaign.ctime).total_seconds(), 0.0),
        candidates=total,
        stages=stages,
        models=models,
        activity=activity(processes),
        stage=stock.get("stage", ""),
        round=stock.get("round"),
        relaxed=stages[-1].ended,
        budget=None if settings.budget is None else amount(settings.budget, total),
        stable=len(stock["stable"]) if stock else None,
        core_minutes=sum(stage.core_minutes for stage in stages) + models.core_minutes,
        last_failures=last_failures(tables),
        quiet_seconds=quiet,
        median_seconds=_median(durations),
        alarm="" if ended or said.pauses else standstill(quiet, durations),
    )


def _median(durations: Sequence[float]) -> float | None:
    import numpy as np

    return float(np.median(durations)) if durations else None


def _settings(pk: int | None) -> dict[str, Any]:
    """By a query: AiiDA's way by the node loads all of its inputs, which may be thousands where results were taken over."""
    from aiida import orm

    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(orm.Dict, with_outgoing="campaign", edge_filters={"label": names.SETTINGS}, project="attributes")
    found: dict[str, Any] = query.one()[0]
    return found


def _candidates(pk: int | None) -> int:
    from aiida import orm

    from aiida_mlhull.data import CandidatesData

    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(CandidatesData, with_outgoing="campaign", project="attributes.n_rows")
    return sum(query.all(flat=True))


def engine_runs(pk: int | None) -> list[EngineRun]:
    """Every call of an engine by a campaign, the oldest first."""
    from aiida import orm

    from aiida_mlhull.data import DecisionsData

    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(
        orm.WorkChainNode,
        with_incoming="campaign",
        tag="engine",
        project=["id", "ctime", "mtime", "attributes.process_state"],
    )
    query.append(
        orm.Dict, with_outgoing="engine", edge_filters={"label": names.STAGE}, project="attributes.name", tag="stage"
    )
    query.append(
        DecisionsData, with_outgoing="engine", edge_filters={"label": names.CHOSEN}, project="attributes.n_kept"
    )
    query.order_by({"engine": {"ctime": "asc"}})
    return [
        EngineRun(
            pk=engine, stage=stage, rows=rows, begun=begun, ended=None if state in campaigns.UNFINISHED else changed
        )
        for engine, begun, changed, state, stage, rows in query.all()
    ]


def result_facts(pk: int | None) -> list[ResultFacts]:
    """Facts of every table of results that a campaign has so far, the oldest first; rows that were read twice once."""
    query = result_tables(pk)
    columns = ("stage", "n_rows", "n_failed", "failure_reasons", "core_minutes", "id_min")
    query.add_projection(TABLE, ["id", "ctime", *(f"attributes.{name}" for name in columns)])
    query.add_projection("step", "process_type")
    query.order_by({TABLE: {"ctime": "asc"}})
    found: dict[tuple[object, ...], ResultFacts] = {}
    for row in query.all():
        one = ResultFacts(*row)
        found.setdefault((one.stage, one.first) if one.rows == 1 else (one.pk,), one)
    return list(found.values())


def _stages(
    settings: CampaignSettings,
    *,
    total: int,
    runs: Sequence[EngineRun],
    tables: Sequence[ResultFacts],
    processes: list[UnderWay],
    now: datetime,
    over: bool,
) -> tuple[StageProgress, ...]:
    from aiida_mlhull.science.campaign.plan import plan

    jobs = at_hand(processes, stages={run.pk: run.stage for run in runs})
    room, stages = total, []
    for planned in plan(settings, total=total):
        name = planned.name
        own = [one for one in tables if one.stage == name]
        sent = [run for run in runs if run.stage == name]
        stage = _stage(
            name,
            planned.engine,
            own,
            sent,
            jobs.get(name, AtHand()),
            room=min(room, planned.at_most),
            now=now,
            over=over,
        )
        stages.append(stage)
        room = stage.at_most - stage.failed
    return tuple(stages)


def _stage(
    name: str,
    engine: str,
    tables: Sequence[ResultFacts],
    runs: Sequence[EngineRun],
    jobs: AtHand,
    *,
    room: int,
    now: datetime,
    over: bool,
) -> StageProgress:
    from aiida_mlhull.science.campaign.progress import StageProgress, pace

    taken_over = sum(one.rows for one in tables if one.taken_over)
    own = [one for one in tables if not one.taken_over]
    reasons: Counter[str] = Counter()
    for one in own:
        reasons.update(one.reasons)
    failed = sum(one.failed for one in own) + jobs.failed
    done = sum(one.rows - one.failed for one in own) + jobs.done
    ended = taken_over + done + failed
    sent = max(taken_over + sum(run.rows for run in runs), ended)
    left = sent - ended
    at_most = max(room, sent)
    fresh = [(one.when.timestamp(), one.rows) for one in own]
    # Rows of a job that is not over yet, each a result of its own at an unknown moment.
    fresh += [(now.timestamp(), 1)] * (jobs.done + jobs.failed)
    active = [(run.begun.timestamp(), (run.ended or now).timestamp()) for run in runs]
    return StageProgress(
        name=name,
        engine=engine,
        sent=sent,
        taken_over=taken_over,
        done=done,
        failed=failed,
        running=jobs.running,
        queued=jobs.queued,
        waiting=max(left - jobs.running - jobs.queued, 0),
        at_most=at_most,
        failures=dict(sorted(reasons.items())),
        core_minutes=sum(one.core_minutes for one in tables),
        pace=pace(fresh, active, now=now.timestamp(), left=left, left_at_most=0 if over else at_most - ended),
    )


def _models(pk: int | None, processes: Sequence[UnderWay]) -> ModelProgress:
    from aiida_mlhull.science.campaign.progress import ModelProgress

    costs = results.model_costs(pk)
    return ModelProgress(
        done=sum(cost.jobs for cost in costs),
        running=sum(one.serves_models for one in processes),
        core_minutes=sum(cost.core_minutes for cost in costs),
    )


def activity(processes: Sequence[UnderWay]) -> str:
    """What is under way, in words: the processes that a campaign itself has called, and jobs of models."""
    callers = {one.caller for one in processes} - {one.pk for one in processes}
    own = [f"{one.label} ({one.title})" if one.title else one.label for one in processes if one.caller in callers]
    fits = Counter(one.label for one in processes if one.serves_models)
    return ", ".join([*own, *(f"{count} x {label}" for label, count in sorted(fits.items()))])


def _durations(pk: int | None, *, models: bool) -> list[float]:
    """Seconds that the newest jobs took: those of models, or those of engines with what a plug-in puts around them."""
    from aiida import orm

    from aiida_mlhull.graph.history import callers_below

    engines, lanes = callers_below(pk)
    of_models = names.any_of(names.FIT, names.PREDICT)
    if models:
        return _took(orm.CalcJobNode, lanes, of_models)
    alone = _took(orm.CalcJobNode, engines, names.none_of(names.FIT, names.PREDICT))
    return alone + _took(orm.WorkChainNode, lanes, {})


def _took(kind: Any, callers: list[int | None], filters: dict[str, Any]) -> list[float]:
    """Seconds from the creation of the newest finished processes to their end."""
    from aiida import orm

    if not callers:  # AiiDA refuses an empty list to choose from
        return []
    query = orm.QueryBuilder(limit=DURATIONS)
    query.append(orm.WorkChainNode, filters={"id": {"in": callers}}, tag="caller")
    ended = {"attributes.process_state": "finished", **filters}
    query.append(kind, with_incoming="caller", filters=ended, tag="job", project=["ctime", "mtime"])
    query.order_by({"job": {"ctime": "desc"}})
    return [(last - first).total_seconds() for first, last in query.all()]


def last_failures(tables: Sequence[ResultFacts], *, most: int = FAILURES_SHOWN) -> tuple[Failure, ...]:
    """Ids and reasons of the relaxations that failed last, the newest first."""
    from aiida import orm

    from aiida_mlhull.science.campaign.progress import Failure

    found: list[Failure] = []
    for one in sorted((table for table in tables if table.failed), key=lambda table: table.when, reverse=True):
        if len(found) >= most:
            break
        table = orm.load_node(one.pk).to_science()
        lost = table.take(~table.succeeded)
        found += [
            Failure(id=name, stage=one.stage, reason=reason, when=one.when, pk=one.pk)
            for name, reason in zip(lost.ids.tolist(), lost.failures.tolist(), strict=True)
        ]
    return tuple(found[:most])
