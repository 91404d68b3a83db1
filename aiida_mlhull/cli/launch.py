"""``aiida-mlhull launch``: a campaign from one file, checked whole before anything is stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiida_mlhull.cli import progress
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida_mlhull.launching.launch import PreparedCampaign


@click.command()
@click.argument("campaign", metavar="CAMPAIGN.YAML", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check everything, say what would happen, store nothing.")
@click.option(
    "--show-inputs", is_flag=True, help="Show what one candidate's calculations would be given; needs --dry-run."
)
@click.option("--foreground", is_flag=True, help="Run in this terminal instead of giving it to the daemon.")
@click.option("--init", is_flag=True, help="Write a commented CAMPAIGN.YAML to start from, and a schema for editors.")
@click.pass_obj
def launch(  # noqa: PLR0917  (click calls it by name)
    profile_name: str | None, campaign: Path, dry_run: bool, show_inputs: bool, foreground: bool, init: bool
) -> None:
    """Screen the candidates that CAMPAIGN.YAML names.

    The file is checked whole, and so are the files that it names, before any node is stored.
    """
    from aiida_mlhull.launching.editor import write_start
    from aiida_mlhull.science.campaign.file import read_campaign_file

    if init:
        click.echo("\n".join(f"written: {path}" for path in write_start(campaign)))
        return
    if show_inputs and not dry_run:
        raise click.UsageError("--show-inputs belongs to --dry-run")
    campaign_file = read_campaign_file(campaign)
    profile.load(profile_name)
    from aiida_mlhull.launching.launch import prepare

    prepared = prepare(campaign_file)
    tell_and_start(prepared, dry_run=dry_run, foreground=foreground)
    if show_inputs:
        click.echo(f"\n{prepared.shown()}")


def tell_and_start(prepared: PreparedCampaign, *, dry_run: bool, foreground: bool) -> None:
    """Tell the plan of a campaign, and let it begin unless this is a dry run."""
    remark = "" if foreground or dry_run else prepared.require_daemon()
    click.echo(prepared.describe())
    if remark:
        click.echo(f"\nNote: {remark}")
    if dry_run:
        click.echo("\nDry run: nothing was stored.")
        return
    click.echo()
    if foreground:
        start(prepared)
        return
    node = prepared.submit()
    click.echo(f"Submitted campaign {node.pk}. Follow it with")
    click.echo(f"  aiida-mlhull status {node.pk} --follow\n  aiida-mlhull report {node.pk}")


def start(prepared: PreparedCampaign) -> None:
    """Run a campaign in this terminal, and print what it has found."""
    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.graph.written.summary import summary

    click.echo(f"\n{summary(Campaign(prepared.run(progress=progress.show, look=progress.bar())))}")
