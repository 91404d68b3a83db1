"""``aiida-mlhull rejected``: which candidates did the models of a round drop, and why."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import click

from aiida_mlhull.cli import paths, text
from aiida_mlhull.launching import profile

SHOWN = 30


@click.command()
@click.option("--round", "number", type=click.IntRange(min=1), required=True, metavar="K", help="Which round.")
@click.option("--stage", metavar="NAME", help="Only before this stage.")
@click.option("--campaign", metavar="PK", help="Which campaign; the newest one if left out.")
@click.option("--limit", type=click.IntRange(min=1), default=SHOWN, show_default=True, help="Rows on the screen.")
@click.option("--csv", "target", type=paths.NEW, help="Write all rows to this file instead.")
@click.pass_obj
def rejected(  # noqa: PLR0917  (click calls it by name)
    profile_name: str | None, number: int, stage: str | None, campaign: str | None, limit: int, target: Path | None
) -> None:
    """List what the models of round K dropped, with value, threshold and margin.

    Those nearest to the threshold come first. Candidates that the models kept but that found no place
    in the round's batch are counted apart. Where models decide before several stages, each has its round K.
    """
    profile.load(profile_name)
    from aiida_mlhull.graph import campaigns, history
    from aiida_mlhull.science.errors import listed

    node = campaigns.find(campaign)
    found = list(history.rounds(node.pk, number=number, stage=stage))
    if not found:
        where = f" before stage {stage}" if stage else ""
        raise click.ClickException(f"campaign {node.pk} ({node.label}) has decided nothing in round {number}{where}")
    by_stage = [list(group) for _, group in groupby(found, key=lambda pair: pair[0].base.attributes.get("stage"))]
    if target is not None and len(by_stage) > 1:
        names = listed([shards[0][0].base.attributes.get("stage") for shards in by_stage])
        raise click.ClickException(f"there was a round {number} before each of {names}: choose with --stage for a file")
    for place, shards in enumerate(by_stage):
        if place:
            click.echo()
        for ensemble in {models.pk: models for _, models in shards if models is not None}.values():
            click.echo(f"models: ensemble {ensemble.pk}, {history.describe_models(ensemble)}")
        _tell([decided.to_science() for decided, _ in shards], limit=limit, target=target)


def _tell(tables: list[Any], *, limit: int, target: Path | None) -> None:
    import numpy as np

    from aiida_mlhull.science.tables.export import to_csv
    from aiida_mlhull.science.types import concatenate
    from aiida_mlhull.science.types.reasons import Reason

    whole = concatenate(tables)
    waiting = whole.reasons == Reason.BATCH_FULL
    dropped = whole.take(~whole.keep & ~waiting)
    click.echo(
        f"{whole.stage or 'stage'}, round {whole.round}, {whole.rule}: {text.count(len(whole), 'candidate')}, "
        f"{int(whole.keep.sum())} kept, {int(waiting.sum())} kept but waiting for a place, {len(dropped)} rejected"
    )
    if target is not None:
        target.write_bytes(to_csv(dropped))
        click.echo(f"written: {target}")
        return
    order = np.argsort(-dropped.margins, kind="stable")[:limit]
    rows = [
        (
            dropped.ids[row],
            dropped.formulas[row],
            dropped.reasons[row],
            text.number(float(dropped.values[row])),
            text.number(float(dropped.thresholds[row])),
            text.number(float(dropped.margins[row])),
        )
        for row in order.tolist()
    ]
    if rows:
        click.echo()
        click.echo(text.table(("id", "formula", "reason", f"value ({dropped.unit})", "threshold", "margin"), rows))
    if len(dropped) > limit:
        click.echo(f"... and {len(dropped) - limit} more; all with --csv FILE")
