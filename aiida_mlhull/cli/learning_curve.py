"""``aiida-mlhull learning-curve``: what more labels would bring, with and without pre-training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.cli.table_options import table_options
from aiida_mlhull.launching import profile


@click.command("learning-curve")
@table_options
@click.option("--sizes", default="50,100,200,400", show_default=True, metavar="N,N,...", help="Rows to learn from.")
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, help="Splits to average over.")
@click.option("--by-formula", is_flag=True, help="Keep all rows of a formula on one side of the split.")
@click.option("--parent", metavar="NODE", help="Draw a second curve, of members that begin with this ensemble's.")
@click.option(
    "--transfer", type=click.Choice(["full", "head"]), help="What learns on.  [default: the settings', or full]"
)
@click.option("-o", "--output", type=paths.NEW, help="Write a picture to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def learning_curve(
    profile_name: str | None,
    /,
    *,
    sizes: str,
    repeats: int,
    by_formula: bool,
    parent: str | None,
    transfer: str | None,
    output: Path | None,
    as_json: bool,
    seed: int,
    **training_set: Any,
) -> None:
    """Fit ensembles to ever more rows of TABLE, test them on a fifth of it, and fit a power law.

    Nothing is stored. With a parent, both curves are made on the same rows.
    """
    from aiida_mlhull.launching.questions.curves import learning_curves
    from aiida_mlhull.science.metrics.words import curves_in_words

    facts, unit = learning_curves(
        training_set,
        sizes=_numbers(sizes),
        repeats=repeats,
        by="formula" if by_formula else "row",
        seed=seed,
        transfer=transfer,
        parent=parent,
        load=lambda: profile.load(profile_name),
        picture=output,
        say=lambda line: click.echo(line, err=True),
    )
    click.echo(json.dumps(facts, indent=2) if as_json else curves_in_words(facts, unit=unit))


def _numbers(words: str) -> list[int]:
    """Counts, as they are written behind an option.

    Raises:
        click.BadParameter: if they aren't.
    """
    try:
        return [int(word) for word in words.split(",")]
    except ValueError:
        raise click.BadParameter(f"{words!r} should be numbers with commas between, as 50,100,200") from None
