"""A stage whose first relaxations all fail in one and the same way pauses its campaign, rather than waste the rest."""

from __future__ import annotations

from datetime import datetime

from aiida import orm

from aiida_mlhull import names
from aiida_mlhull.data import LabelsData
from aiida_mlhull.job_pool.steering import PAUSE, RESUME, everything_told, tell
from aiida_mlhull.science.campaign.breaker import same_failure


def trip(campaign: orm.ProcessNode, engine: orm.ProcessNode, *, first: int) -> str:
    """Pause a campaign if the first results of an engine are all the same failure.

    After the word to go on only results since then count.

    Args:
        campaign: to be paused.
        engine: whose results they are; its lanes' count.
        first: so many.

    Returns:
        Why it was paused, or empty.
    """
    said = everything_told(campaign.pk)
    resumed = [datetime.fromisoformat(one.at) for one in said if one.word == RESUME]
    code = same_failure(_results(engine, since=resumed[-1] if resumed else None, most=first), first=first)
    if not code or (said and said[-1].word == PAUSE):
        return ""
    stage = engine.inputs[names.STAGE]["name"]
    why = f"the first {first} relaxations of stage {stage} have all failed with one and the same reason, {code}"
    tell(campaign, PAUSE, why)
    return why


def _results(engine: orm.ProcessNode, *, since: datetime | None, most: int) -> list[tuple[int, dict[str, int]]]:
    """Rows and reasons of failure of an engine's first tables of results."""
    lanes = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": engine.pk}, tag="engine")
    lanes.append(orm.WorkChainNode, with_incoming="engine", project="id")
    query = orm.QueryBuilder(limit=most)
    query.append(orm.WorkChainNode, filters={"id": {"in": [engine.pk, *lanes.all(flat=True)]}}, tag="caller")
    query.append(orm.CalculationNode, with_incoming="caller", filters=names.none_of(names.EXTEND_LABELS), tag="step")
    query.append(
        LabelsData,
        with_incoming="step",
        edge_filters={"label": {"in": [names.LABELS, names.FUNCTION_RESULT]}},
        filters={} if since is None else {"ctime": {">": since}},
        project=["attributes.n_rows", "attributes.failure_reasons"],
        tag="table",
    )
    query.order_by({"table": {"ctime": "asc"}})
    return [(rows, reasons) for rows, reasons in query.all()]
