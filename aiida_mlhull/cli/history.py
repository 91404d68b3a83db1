"""``aiida-mlhull history``: the whole story of a candidate, from the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aiida_mlhull.cli import text
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida_mlhull.graph.history import Event


@click.command()
@click.argument("identifier", metavar="ID")
@click.option("--campaign", metavar="PK", help="Which campaign; the newest one with this candidate if left out.")
@click.pass_obj
def history(profile_name: str | None, identifier: str, campaign: str | None) -> None:
    """Tell what became of candidate ID, and why.

    Origin, every decision with its value and threshold and the models behind it, every result, and the
    outcome; the first column is the node that tells it.
    """
    profile.load(profile_name)
    from aiida_mlhull.graph import campaigns, history

    held = history.shards_with(identifier)
    if not held:
        raise click.ClickException(
            f"no candidate {identifier!r} in this profile; list candidates with 'verdi data mlhull-candidates list'"
        )
    wanted = None if campaign is None else campaigns.find(campaign).pk
    told = [
        (shard, row, known)
        for shard, row in held
        for known in history.campaigns_of(shard)
        if wanted is None or known.pk == wanted
    ]
    if not told:
        raise click.ClickException(
            f"candidate {identifier} lies in shard {held[0][0].pk}, but "
            + ("no campaign has screened that" if wanted is None else f"campaign {wanted} has not screened that")
        )
    shard, row, node = max(told, key=lambda item: item[2].ctime)
    click.echo(f"Candidate {identifier}, {row.formulas[0]}, in campaign {node.pk} ({node.label})")
    facts: list[tuple[str, object]] = [
        ("origin", f"{row.origins[0] or row.source or '-'} (shard {shard.pk})"),
        ("prototype", row.protostructures[0] or None),
        ("atoms", None if row.crystals is None else int(row.crystals.n_sites[0])),
        ("state", campaigns.process_state(node)),
        ("structure", history.promoted(node, identifier)),
    ]
    click.echo(text.pairs([(name, value) for name, value in facts if value is not None]))
    click.echo()
    click.echo(_events(history.events(node, identifier)))
    others = sorted({item[2].pk or 0 for item in told} - {node.pk})
    if others:
        click.echo(f"\nAlso in campaigns {', '.join(map(str, others))}: see --campaign")


def _events(events: list[Event]) -> str:
    rows = []
    for event in events:
        numbers = (None,) * 3 if event.numbers is None else tuple(map(text.number, event.numbers))
        models = None if event.models is None else f"{event.models[1]} <{event.models[0]}>"
        rows.append((event.pk, event.what, event.outcome, event.reason, *numbers, models))
    return text.table(("pk", "what", "outcome", "why", "value", "threshold", "margin", "models"), rows)
