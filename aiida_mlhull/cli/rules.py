"""``aiida-mlhull rules``: what every keep-rule would have done in one round of a campaign."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from aiida_mlhull.launching import profile


@click.command()
@click.argument("campaign", metavar="[PK]", required=False)
@click.option(
    "--round", "number", type=click.IntRange(min=1), default=1, show_default=True, metavar="K", help="Which round."
)
@click.option("--stage", metavar="NAME", help="The round before this stage; before the first gate if left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def rules(profile_name: str | None, campaign: str | None, number: int, stage: str | None, as_json: bool) -> None:
    """Compare all keep-rules on the predictions of round K of campaign PK.

    Every rule goes by its default settings; the campaign's own rule is listed with its own settings, too.
    The campaign's batch and budget are not applied. Where the campaign has a record, decisions are compared
    with the truth.
    """
    profile.load(profile_name)
    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.science.campaign.comparison import in_words
    from aiida_mlhull.science.wire.files import without_nan

    asked = Campaign(campaign)
    compared = asked.compare_rules(number, stage=stage)
    where = f"{compared.stage}, round {compared.number}"
    if as_json:
        comparison = without_nan(asdict(compared.comparison))
        click.echo(json.dumps({"campaign": asked.pk, "where": where, **comparison}, indent=2))
    else:
        click.echo(f"Campaign {asked.pk} ({asked.label}), {where}: {in_words(compared.comparison)}")
