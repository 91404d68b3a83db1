"""``aiida-mlhull clean``: which candidates are worth a model's time, and why the others aren't."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiida_mlhull.cli import paths, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiida_mlhull.science.cleaning.clean import CleaningSettings
    from aiida_mlhull.science.cleaning.funnel import FunnelStep


@click.command()
@click.argument("file", type=paths.KNOWN_OR_FOLDER)
@click.option(
    "-o", "--output", type=paths.NEW, required=True, metavar="FILE", help="Table of what is left, .parquet or .csv."
)
@click.option("--settings", type=paths.KNOWN, metavar="YAML", help="Limits; defaults for what is left out.")
@click.option("--known", type=paths.KNOWN_OR_FOLDER, metavar="FILE", help="Crystals that need no candidate.")
@click.option("--decisions", type=paths.NEW, metavar="FILE", help="Table of all rows with reasons, .parquet or .csv.")
def clean(file: Path, output: Path, settings: Path | None, known: Path | None, decisions: Path | None) -> None:
    """Filter the candidates of FILE and tell how many every filter has dropped.

    FILE is anything that candidates are read from. Where it has a record of energies, of all rows with one
    label the lowest is kept, else the first.
    """
    import pyarrow as pa

    from aiida_mlhull.science.cleaning.clean import clean as filtered
    from aiida_mlhull.science.cleaning.clean import labeled
    from aiida_mlhull.science.cleaning.funnel import funnel_steps
    from aiida_mlhull.science.errors import InputError
    from aiida_mlhull.science.reading.candidates import read_candidates
    from aiida_mlhull.science.tables.export import WRITERS, written
    from aiida_mlhull.science.tables.writing import WRITABLE
    from aiida_mlhull.science.types.reasons import Reason

    for path in (output, *([] if decisions is None else [decisions])):
        if path.suffix not in WRITABLE:
            raise click.UsageError(f"{path.name}: tables are written as {' or '.join(WRITABLE)}")
    limits = _limits(settings)
    intake = read_candidates(file, bad_rows="leave_out")
    click.echo(intake.summary())
    shard = labeled(intake.candidates, tolerance=limits.tolerance)
    labels = [] if known is None else _labels_of(known, limits)
    energies = None if intake.record is None else [intake.record.energies]
    (decided,) = filtered([shard], settings=limits, energies=energies, known=labels)
    click.echo(f"\n{describe(funnel_steps([decided]))}")
    if limits.neutrality:
        balanced = int((decided.reasons[decided.keep] == Reason.CHARGES_BALANCE).sum())
        click.echo(f"\ncharges can be balanced in {balanced} of the {int(decided.keep.sum())} that are left")
    if decisions is not None:
        decisions.write_bytes(WRITERS[decisions.suffix[1:]](decided))
    if not decided.keep.any():
        raise InputError(f"{file.name}: no candidate is left; the table above tells where they went")
    beside = None if intake.beside is None else intake.beside.filter(pa.array(decided.keep))
    output.write_bytes(written(shard.take(decided.keep), beside, kind=output.suffix[1:]))
    click.echo(f"\nwritten: {output}")


def _labels_of(known: Path, limits: CleaningSettings) -> list[str]:
    """Labels of known crystals, of the cells before and after relaxation where a table has both."""
    from aiida_mlhull.science.cleaning.clean import labeled
    from aiida_mlhull.science.generators.parents import read_parents
    from aiida_mlhull.science.reading.candidates import read_candidates

    after = read_parents(known, tolerance=limits.tolerance)[0].protostructures.tolist()
    before = read_candidates(known, bad_rows="leave_out").candidates
    return [*after, *labeled(before, tolerance=limits.tolerance).protostructures.tolist()]


def _limits(settings: Path | None) -> CleaningSettings:
    from aiida_mlhull.science.campaign.file import read_mapping
    from aiida_mlhull.science.cleaning.clean import CleaningSettings
    from aiida_mlhull.science.types.strict import validated

    values = {} if settings is None else read_mapping(settings)
    return validated(CleaningSettings, values, what="cleaning" if settings is None else settings.name)


def describe(steps: Sequence[FunnelStep]) -> str:
    """The funnel as a table."""
    rows = [(step.name.replace("_", " "), step.entered, step.dropped, step.left) for step in steps]
    return text.table(("dropped because", "looked at", "dropped", "left"), rows, indent="  ")
