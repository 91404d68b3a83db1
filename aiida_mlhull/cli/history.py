"""``aiida-mlhull history``: the whole story of a candidate, from the graph."""

from __future__ import annotations

import click

from aiida_mlhull.launching import profile
from aiida_mlhull.science.tables import text


@click.command()
@click.argument("identifier", metavar="ID")
@click.option("--campaign", metavar="PK", help="Which campaign; the newest one with this candidate if left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def history(profile_name: str | None, identifier: str, campaign: str | None, as_json: bool) -> None:
    """Tell what became of candidate ID, and why.

    Origin, every decision with its value and threshold and the models behind it, every result, and the
    outcome; the first column is the node that tells it.
    """
    profile.load(profile_name)
    from aiida_mlhull.graph import placed
    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.graph.screened import screened
    from aiida_mlhull.graph.written.lines import events_in_words, history_as_json

    wanted = None if campaign is None else Campaign(campaign)
    candidate, *others = screened(identifier, campaign=None if wanted is None else wanted.node)
    row, asked = candidate.row, wanted or Campaign(candidate.campaign)
    if as_json:
        click.echo(history_as_json(asked, identifier))
        return
    click.echo(f"Candidate {identifier}, {row.formulas[0]}, in campaign {asked.pk} ({asked.label})")
    facts: list[tuple[str, object]] = [
        ("origin", f"{row.origins[0] or row.source or '-'} (shard {candidate.shard.pk})"),
        ("prototype", row.protostructures[0] or None),
        ("atoms", None if row.crystals is None else int(row.crystals.n_sites[0])),
        ("state", asked.status().state),
        *[("structure", str(pk)) for name, pk in asked.structures().items() if name == identifier],
        *placed.facts(asked.node, identifier),
    ]
    known = text.pairs([pair for pair in facts if pair[1] is not None])
    click.echo(f"{known}\n\n{events_in_words(asked.events(identifier, shards=[candidate.shard]))}")
    if len(story := [one.pk for one in asked.story()]) > 1:
        click.echo(f"\nOne story over campaigns {', '.join(map(str, story))}")
    if also := sorted({other.campaign.pk or 0 for other in others} - set(story)):
        click.echo(f"\nAlso in campaigns {', '.join(map(str, also))}: see --campaign")
