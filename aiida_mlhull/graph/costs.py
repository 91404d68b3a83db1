"""What a campaign cost: its stages, and the models that it asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiida_mlhull import names
from aiida_mlhull.graph import results

if TYPE_CHECKING:
    import pandas as pd
    from aiida import orm

    from aiida_mlhull.science.metrics import CampaignCost


def account(campaign: orm.ProcessNode) -> dict[str, Any]:
    """Funnel and costs of a campaign; of one that has not ended, of what is stored so far.

    Returns:
        What :func:`~aiida_mlhull.science.campaign.account.summarize` returns.

    Raises:
        InputError: if no candidate has been considered yet.
    """
    from aiida_mlhull.calculations.settings import settings_of
    from aiida_mlhull.science.campaign import CampaignSettings, summarize
    from aiida_mlhull.science.campaign.account import in_order

    stored = _summary(campaign.pk)
    if stored is not None:
        order = [stage["name"] for stage in campaign.inputs[names.SETTINGS]["stages"]]
        return in_order(stored, order)
    settings = settings_of(campaign.inputs.settings, CampaignSettings)
    stages = {stage.name: results.stored_results(campaign, stage=stage.name) for stage in settings.stages}
    return summarize(
        [results.outcomes(campaign)],
        {name: [] if labels is None else [labels] for name, labels in stages.items()},
        settings,
    )


def _summary(pk: int | None) -> dict[str, Any] | None:
    """What a campaign has summed up at its end; asked for alone, because its outputs are as many as its shards."""
    from aiida import orm

    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(orm.Dict, with_incoming="campaign", edge_filters={"label": names.SUMMARY}, project="attributes")
    found: dict[str, Any] | None = query.first(flat=True)
    return found


def ledger(campaign: orm.ProcessNode) -> pd.DataFrame:
    """The entries as a frame.

    Raises:
        InputError: if no candidate has been considered yet.
    """
    import pandas as pd

    columns = ["what", "by", "runs", "failed", "core_minutes", "core_minutes_each", "cost"]
    return pd.DataFrame(entries(campaign), columns=columns).astype({"failed": "Int64"})


def entries(campaign: orm.ProcessNode) -> list[tuple[Any, ...]]:
    """One row per stage, and one per kind of job that served the models.

    Returns:
        What, by whom, runs, of these failed, core-minutes, core-minutes each, and whether the cost was measured.

    Raises:
        InputError: if no candidate has been considered yet.
    """
    from aiida_mlhull.calculations.settings import settings_of
    from aiida_mlhull.science.campaign import CampaignSettings

    told = ("engine", "rows", "failed", "core_minutes", "core_minutes_per_row", "cost_basis")
    rows: list[tuple[Any, ...]] = [
        (name, *(stage[key] for key in told)) for name, stage in account(campaign)["stages"].items()
    ]
    model = settings_of(campaign.inputs.settings, CampaignSettings).kinds_of_models
    asked = ", ".join(sorted(campaign.inputs[names.PROPERTIES])) if names.PROPERTIES in campaign.inputs else ""
    rows += [
        (
            f"models: {job.kind}",
            asked if job.kind == results.PROPERTY_JOBS else model,
            job.jobs,
            None,
            job.core_minutes,
            None,
            "measured",
        )
        for job in results.model_costs(campaign.pk)
        if job.jobs
    ]
    return rows


def savings(campaign: orm.ProcessNode) -> tuple[float, float, float]:
    """Core-minutes spent, those of every candidate through every stage, and the share that was saved.

    Raises:
        InputError: if no candidate has been considered yet.
    """
    from aiida_mlhull.science.campaign.account import savings as saved_by

    return saved_by(account(campaign), models=[job.core_minutes for job in results.model_costs(campaign.pk)])


def equivalents(campaign: orm.ProcessNode) -> CampaignCost | None:
    """The stages' cost in units of candidates that go through all of them, as Ekström 2022 counts.

    Returns:
        None if there is one stage only, a stage had more rows than one before it, or one has cost nothing.

    Raises:
        InputError: if no candidate has been considered yet.
    """
    from aiida_mlhull.science.metrics import CampaignCost

    stages = account(campaign)["stages"]
    entered = [stage["rows"] for stage in stages.values()]
    each = [stage["core_minutes_per_row"] for stage in stages.values()]
    if len(entered) < 2 or sorted(entered, reverse=True) != entered or min(each) <= 0:  # noqa: PLR2004
        return None
    return CampaignCost.from_counts(list(stages), entered, each)
