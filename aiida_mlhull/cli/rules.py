"""``aiida-mlhull rules``: what every keep-rule would have done in one round of a campaign."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from aiida_mlhull.cli import text
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.science.campaign.comparison import Comparison


@click.command()
@click.argument("campaign", metavar="[PK]", required=False)
@click.option("--round", "number", type=click.IntRange(min=1), default=1, show_default=True, metavar="K")
@click.option("--stage", metavar="NAME", help="The round before this stage; before the first gate if left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def rules(profile_name: str | None, campaign: str | None, number: int, stage: str | None, as_json: bool) -> None:
    """Compare all keep-rules on the predictions of round K of campaign PK.

    Every rule goes by its default settings; the campaign's own stands there with its own settings, too.
    All rules are asked what they keep; the campaign's batch and budget are not applied. Where the
    campaign has a record, decisions are compared with the truth.
    """
    profile.load(profile_name)
    from aiida_mlhull.graph import campaigns

    node = campaigns.find(campaign)
    step = find_step(node, number=number, stage=stage)
    compared = compare(node, step)
    where = f"{step.inputs.stage['name']}, round {number}"
    if as_json:
        click.echo(json.dumps({"campaign": node.pk, "where": where, **plain(asdict(compared))}, indent=2))
    else:
        click.echo(f"Campaign {node.pk} ({node.label}), {where}: {tell(compared)}")


def find_step(node: orm.ProcessNode, *, number: int, stage: str | None) -> Any:
    """The process that has decided round ``number``.

    Raises:
        click.ClickException: if there is none.
    """
    from aiida_mlhull.graph.models import deciding_step

    step = deciding_step(node.pk, number=number, stage=stage)
    if step is None:
        where = f" before stage {stage}" if stage else ""
        raise click.ClickException(f"campaign {node.pk} ({node.label}) has decided nothing in round {number}{where}")
    return step


def compare(node: orm.ProcessNode, step: Any) -> Comparison:
    """All rules on what the models said in the round."""
    from aiida_mlhull.graph.models import record_of
    from aiida_mlhull.science.campaign import CampaignSettings, StageSettings
    from aiida_mlhull.science.campaign.comparison import compare_rules, cost_each
    from aiida_mlhull.science.hull import with_results
    from aiida_mlhull.science.types import concatenate

    inputs = step.inputs
    stage = StageSettings.model_validate(inputs.stage.get_dict())
    settings = CampaignSettings.model_validate(inputs.settings.get_dict())
    results = concatenate([shard.to_science() for _, shard in sorted(inputs.results.items())])
    assert stage.gate is not None
    return compare_rules(
        concatenate([shard.to_science() for _, shard in sorted(inputs.predictions.items())]),
        with_results(inputs.references.to_science(), results),
        record=record_of(node),
        gate=stage.gate,
        seed=settings.seed + inputs.position["round"],
        core_minutes_each=cost_each(results, stage=stage),
    )


def tell(compared: Comparison) -> str:
    """The comparison for people."""
    shown = any(outcome.recall is not None for outcome in compared.outcomes)
    headers = ["rule", "kept", "share", "saved core-min"]
    headers += ["recall", "recall 25 meV", "precision"] if shown else []
    rows = []
    for one in compared.outcomes:
        row = [one.rule, one.kept, f"{one.kept_fraction:.1%}", text.core_minutes(one.saved_core_minutes)]
        rows.append(row + ([_share(v) for v in (one.recall, one.recall_25mev, one.precision)] if shown else []))
    remarks = "".join(f"\n{remark}" for remark in compared.remarks)
    return (
        f"{text.count(compared.rows, 'candidate')}, {text.core_minutes(compared.core_minutes_each)} core-minutes "
        f"each\n\n{text.table(headers, rows)}\n{remarks}"
    ).rstrip()


def plain(value: Any) -> Any:
    """The same without NaN, which stands where there was nothing to find and is no JSON."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124


def _share(value: float | None) -> str | None:
    return None if value is None or value != value else f"{value:.3f}"  # noqa: PLR0124
