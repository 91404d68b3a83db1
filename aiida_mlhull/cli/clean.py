"""``aiida-mlhull clean``: which candidates are worth a model's time, and why the others aren't."""

from __future__ import annotations

from pathlib import Path

import click

from aiida_mlhull.cli import paths


@click.command()
@click.argument("file", type=paths.KNOWN_OR_FOLDER)
@click.option(
    "-o",
    "--output",
    type=paths.NEW_CANDIDATES,
    required=True,
    metavar="FILE",
    help="Table of what is left, .parquet or .csv.",
)
@click.option("--settings", type=paths.KNOWN, metavar="YAML", help="Limits; defaults for what is left out.")
@click.option("--known", type=paths.KNOWN_OR_FOLDER, metavar="FILE", help="Crystals that need no candidate.")
@click.option(
    "--decisions", type=paths.NEW_CANDIDATES, metavar="FILE", help="Table of all rows with reasons, .parquet or .csv."
)
def clean(file: Path, output: Path, settings: Path | None, known: Path | None, decisions: Path | None) -> None:
    """Filter the candidates of FILE and tell how many every filter has dropped.

    FILE is anything that candidates are read from. Where it has a record of energies, of all rows with one
    label the lowest is kept, else the first.
    """
    from aiida_mlhull.launching.materials import cleaning
    from aiida_mlhull.science.cleaning.funnel import funnel_in_words, funnel_steps
    from aiida_mlhull.science.reading.candidates import read_candidates
    from aiida_mlhull.science.tables.export import WRITERS
    from aiida_mlhull.science.types.reasons import Reason

    limits = cleaning.read_limits(settings)
    intake = read_candidates(file, bad_rows="leave_out")
    click.echo(intake.summary())
    shard, decided = cleaning.decide(intake, limits, known=known)
    click.echo(f"\n{funnel_in_words(funnel_steps([decided]))}")
    if limits.neutrality:
        balanced = int((decided.reasons[decided.keep] == Reason.CHARGES_BALANCE).sum())
        click.echo(f"\ncharges can be balanced in {balanced} of the {int(decided.keep.sum())} that are left")
    if decisions is not None:
        decisions.write_bytes(WRITERS[decisions.suffix[1:]](decided))
    cleaning.write(intake, shard, decided, output)
    click.echo(f"\nwritten: {output}")
