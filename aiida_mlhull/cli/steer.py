"""``aiida-mlhull pause``, ``resume`` and ``stop``: words to a campaign that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aiida_mlhull.launching import profile
from aiida_mlhull.launching.services import daemon

if TYPE_CHECKING:
    from aiida_mlhull.graph.campaign import Campaign

WHY = click.option("--why", metavar="TEXT", default="", help="The reason, kept in the graph.")


@click.command()
@click.argument("campaign", metavar="PK")
@WHY
@click.pass_obj
def pause(profile_name: str | None, campaign: str, why: str) -> None:
    """Let campaign PK finish what runs and submit nothing more, until resume."""
    asked = _asked(profile_name, campaign)
    asked.pause(why)
    running = sum(stage.running + stage.queued for stage in asked.progress().stages)
    click.echo(f"Campaign {asked.pk} submits nothing more; {running} relaxations under way are finished.")
    click.echo(f"Go on with\n  aiida-mlhull resume {asked.pk}")


@click.command()
@click.argument("campaign", metavar="PK")
@WHY
@click.pass_obj
def resume(profile_name: str | None, campaign: str, why: str) -> None:
    """Let campaign PK go on after a pause, also after one of its own."""
    asked = _asked(profile_name, campaign)
    asked.resume(why)
    click.echo(f"Campaign {asked.pk} goes on.")
    _note(asked.pk)


@click.command()
@click.argument("campaign", metavar="PK")
@WHY
@click.pass_obj
def stop(profile_name: str | None, campaign: str, why: str) -> None:
    """Let campaign PK finish what runs and conclude with what is there."""
    asked = _asked(profile_name, campaign)
    asked.stop(why)
    click.echo(f"Campaign {asked.pk} concludes as soon as what runs has finished: aiida-mlhull status {asked.pk}")
    _note(asked.pk)


def _asked(profile_name: str | None, campaign: str) -> Campaign:
    profile.load(profile_name)
    from aiida_mlhull.graph.campaign import Campaign

    return Campaign(campaign)


def _note(pk: int | None) -> None:
    if not daemon.look().running:
        click.echo(f"No daemon is running; unless a terminal runs campaign {pk}: {daemon.START_HINT}")
