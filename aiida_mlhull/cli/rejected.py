"""``aiida-mlhull rejected``: which candidates did the models of a round drop, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.launching import profile


@click.command()
@click.option("--round", "number", type=click.IntRange(0), required=True, metavar="K", help="0: what gates require.")
@click.option("--stage", metavar="NAME", help="Only before this stage.")
@click.option("--campaign", metavar="PK", help="Which campaign; the newest one if left out.")
@click.option("--limit", type=click.IntRange(min=1), default=30, show_default=True, help="Rows on the screen.")
@click.option("-o", "--output", type=paths.NEW, metavar="FILE", help="Write all rows to this .csv instead.")
@click.option("--json", "as_json", is_flag=True, help="Print all rows as JSON.")
@click.pass_obj
def rejected(
    profile_name: str | None, /, campaign: str | None, limit: int, output: Path | None, as_json: bool, **which: Any
) -> None:
    """List what the models of round K dropped, with value, threshold and margin.

    Those nearest to the threshold come first. Candidates which the models kept but which found no place
    in the round's batch are counted apart. Where models decide before several stages, each has its round K.
    """
    profile.load(profile_name)
    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.graph.written.lines import nearest_in_words, rejected_as_json, round_in_words
    from aiida_mlhull.science.errors import listed
    from aiida_mlhull.science.tables.export import to_csv

    rounds = Campaign(campaign).decisions(which["number"], stage=which["stage"])
    if output is not None and len(rounds) > 1:
        names = listed([one.stage for one in rounds])
        raise click.ClickException(
            f"there was a round {which['number']} before each of {names}: choose with --stage for a file, or take --json"
        )
    if as_json:
        click.echo(rejected_as_json(rounds))
        return
    for place, one in enumerate(rounds):
        click.echo(("\n" if place else "") + round_in_words(one))
        if output is None:
            click.echo(nearest_in_words(one, limit), nl=False)
            if one.n_rejected > limit:
                click.echo(f"... and {one.n_rejected - limit} more; all with -o FILE")
        else:
            output.write_bytes(to_csv(one.rejected))
            click.echo(f"written: {output}")
