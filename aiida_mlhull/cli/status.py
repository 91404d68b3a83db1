"""``aiida-mlhull status``: campaigns and how far they are."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

import click

from aiida_mlhull.cli import progress
from aiida_mlhull.graph.watching import stages
from aiida_mlhull.graph.written.lines import state_in_words, states_in_words
from aiida_mlhull.launching import profile
from aiida_mlhull.launching.services import daemon

if TYPE_CHECKING:
    from aiida_mlhull.graph.campaign import Campaign

SECONDS: Final = 10.0


@click.command()
@click.argument("campaign", metavar="[PK]", required=False)
@click.option("--all", "everything", is_flag=True, help="Ended campaigns, too.")
@click.option("--follow", is_flag=True, help="Print what the campaign reports until it ends.")
@click.option("--watch", is_flag=True, help="Show how far it is again and again until it ends.")
@click.option(
    "--every", metavar="S", type=click.FloatRange(min=1), default=SECONDS, show_default=True, help="Seconds in between."
)
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object a look.")
@click.pass_obj
def status(  # noqa: PLR0917  (click calls it by name)
    profile_name: str | None,
    campaign: str | None,
    everything: bool,
    follow: bool,
    watch: bool,
    every: float,
    as_json: bool,
) -> None:
    """Show running campaigns, or campaign PK: how far every stage is, how long it may take, what failed last."""
    profile.load(profile_name)
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.launching import running

    if campaign is not None or follow or watch or as_json:
        asked = Campaign(campaign)
        while True:
            ended = asked.node.is_terminated  # asked first: what comes between is seen at the last look
            if watch and not as_json:
                click.clear()
            click.echo(json.dumps(stages.as_json(asked.progress())) if as_json else look(asked))
            if ended or not watch:
                break
            time.sleep(every)
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
    click.echo(states_in_words([Campaign(node).status() for node in nodes]))


def look(campaign: Campaign) -> str:
    """How far a campaign is, and what it waits for."""
    from aiida_mlhull.job_pool.steering import PAUSED

    parts = [state_in_words(campaign.status()), stages.describe(campaign.progress())]
    for process in campaign.paused():
        if (process.process_status or "").startswith(PAUSED):
            continue  # by the campaign's own word, which is told above
        why = process.process_status or "no reason given"
        parts.append(
            f"{process.process_label}<{process.pk}> is paused: {why}\n"
            f"  -> when the cause is gone: verdi process play {process.pk}"
        )
    if not campaign.node.is_terminated and not daemon.look().running:
        parts.append(f"No daemon is running; unless a terminal runs the campaign: {daemon.START_HINT}")
    return "\n\n".join(parts)
