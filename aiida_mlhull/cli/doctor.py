"""``aiida-mlhull doctor``: is everything there that a campaign needs?"""

from __future__ import annotations

import click

from aiida_mlhull.launching.doctor.checks import check_everything
from aiida_mlhull.launching.doctor.findings import BAD, Finding


@click.command()
@click.option("--in-flight", type=click.IntRange(min=1), help="Jobs at once that are planned; the default if left out.")
@click.option("--shards", type=click.IntRange(min=1), default=1, show_default=True, help="Shards of 10,000 candidates.")
@click.pass_obj
def doctor(profile_name: str | None, in_flight: int | None, shards: int) -> None:
    """Check profile, broker, daemon, codes, disk and installation.

    Ends with an error if a campaign could not run.
    """
    findings: list[Finding] = []
    for finding in check_everything(profile_name, in_flight=in_flight, shards=shards):
        findings.append(finding)
        click.echo(f"{finding.grade:<5} {finding.what + ':':<14} {finding.says}")
        if finding.advice:
            click.echo(f"{'':<20} -> {finding.advice}")
    bad = sum(finding.grade == BAD for finding in findings)
    if bad:
        raise click.ClickException(f"{bad} of {len(findings)} checks failed")
    click.echo("\nCampaigns can run.")
