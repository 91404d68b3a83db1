"""``aiida-mlhull status``: campaigns and how far they are."""

from __future__ import annotations

from datetime import datetime, timezone

import click

from aiida_mlhull.cli import progress
from aiida_mlhull.graph.campaigns import State
from aiida_mlhull.launching import daemon, profile
from aiida_mlhull.science.tables import text


@click.command()
@click.argument("campaign", metavar="[PK]", required=False)
@click.option("--all", "everything", is_flag=True, help="Ended campaigns, too.")
@click.option("--follow", is_flag=True, help="Print what the campaign reports until it ends.")
@click.pass_obj
def status(profile_name: str | None, campaign: str | None, everything: bool, follow: bool) -> None:
    """Show running campaigns, or campaign PK."""
    profile.load(profile_name)
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.launching import running

    if campaign is not None or follow:
        asked = Campaign(campaign)
        click.echo(describe(asked.status()))
        for process in asked.paused():
            click.echo(
                f"\n{process.process_label}<{process.pk}> is paused: {process.process_status or 'no reason given'}"
            )
            click.echo(f"  -> when the cause is gone: verdi process play {process.pk}")
        if not asked.node.is_terminated and not daemon.look().running:
            click.echo(f"\nNo daemon is running; unless a terminal runs the campaign: {daemon.START_HINT}")
        if follow:
            click.echo()
            running.require_success(running.follow(asked.node, progress=progress.show))
            click.echo(f"\nDone: aiida-mlhull report {asked.pk}")
        return
    nodes = campaigns.newest(running=not everything)
    if not nodes:
        click.echo("No campaign is running." if not everything else "There is no campaign in this profile.")
        if not everything and campaigns.newest(limit=1):
            click.echo("Ended ones: aiida-mlhull status --all")
        return
    states = [Campaign(node).status() for node in nodes]
    click.echo(
        text.table(
            ("pk", "name", "state", "stage", "round", "relaxed", "on hull", "waiting", "age"),
            [
                (s.pk, s.name, s.state, s.stage or None, s.round, s.relaxed, s.stable, s.waiting, _age(s.begun))
                for s in states
            ],
        )
    )


def describe(state: State) -> str:
    """How far a campaign is, for people."""
    return f"Campaign {state.pk} ({state.name})\n" + text.pairs(
        [
            ("state", state.state),
            ("age", _age(state.begun)),
            ("stage", state.stage or "before the first gate"),
            ("round", state.round),
            ("relaxed", state.relaxed),
            ("on the hull", state.stable),
            ("waiting", state.waiting),
            *([("near ones found", f"{state.promise['claim']:.1%} by the model")] if state.promise else []),
            *([("models stopped", state.stop)] if state.stop else []),
        ]
    )


def _age(begun: datetime) -> str:
    return text.about((datetime.now(tz=timezone.utc) - begun).total_seconds())
