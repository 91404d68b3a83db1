"""``aiida-mlhull generate``: candidates from crystals, a chemical system or formulas, with any generator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.launching import profile
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.science.generators.base import Generator, GeneratorInput
    from aiida_mlhull.science.tables.writing import Shard


@click.command()
@click.argument("name", metavar="GENERATOR")
@click.argument("names", nargs=-1, metavar="[FILE | ELEMENT... | FORMULA...]")
@click.option("-o", "--output", type=paths.NEW, metavar="FILE", help="Table to write, .parquet or .csv.")
@click.option("--group", metavar="LABEL", help="Store shards in AiiDA instead, as a new group that 'launch' takes.")
@click.option(
    "--settings", type=paths.KNOWN, metavar="YAML", help="Settings of the generator; defaults for what is left out."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of everything that is drawn.")
@click.option("--dry-run", is_flag=True, help="Count what would be drawn, and write nothing.")
@click.option("--crystals", type=paths.KNOWN_OR_FOLDER, metavar="FILE", help="Crystals to take as prototypes.")
@click.option(
    "--references", type=paths.KNOWN, metavar="FILE", help="Competing phases: hull of the parents, known compositions."
)
@click.option("--elements", type=paths.KNOWN, metavar="FILE", help="Elemental references (.json), if they stand apart.")
@click.option(
    "--table", type=paths.KNOWN, metavar="JSON", help="Substitution table to draw from, instead of mining one."
)
@click.option("--write-table", type=paths.NEW, metavar="JSON", help="Where to write the substitution table.")
@click.option("--draw-table", type=paths.NEW, metavar="PNG", help="Where to draw it as a heat map.")
def generate(
    *,
    name: str,
    names: tuple[str, ...],
    output: Path | None,
    group: str | None,
    settings: Path | None,
    seed: int,
    dry_run: bool,
    write_table: Path | None,
    draw_table: Path | None,
    **files: Path | None,
) -> None:
    """Make candidates with a GENERATOR and write them to a table that 'launch' reads.

    \b
    substitution FILE     elements of known crystals put in each other's place
    ionic FILE            the same by Hautier's table of ions
    prototypes ELEMENT... a chemical system on known prototypes (or --crystals)
    enumeration FORMULA...  all Wyckoff representations of formulas

    FILE is what candidates are read from: a table, or a folder of CIF or POSCAR files. Every row holds where
    it came from. Draws that come to nothing are counted by reason.
    """  # noqa: D301  (click's mark for a paragraph that keeps its lines)
    from aiida_mlhull.launching.materials import generation

    if (output is None) == (group is None) and not dry_run:
        raise click.UsageError("say where candidates go, --output FILE or --group LABEL, or look first with --dry-run")
    generator = generation.make_generator(name, settings)
    start = generation.read_start(generator, name, names, **files)
    click.echo(generation.describe_start(start), nl=False)
    if write_table is not None or draw_table is not None:
        for path in generation.keep_table(generation.table_of(generator, start.given), write_table, draw_table):
            click.echo(f"written: {path}")
    where = {"output": None, "group": None} if dry_run else {"output": output, "group": group}
    draw(name, generator, start.given, seed=seed, **where)


def draw(
    name: str, generator: Generator, start: GeneratorInput, *, seed: int, output: Path | None, group: str | None
) -> None:
    """Print what would be drawn and, if a file or a group is named, draw and write or store it."""
    from aiida_mlhull.launching.materials.generation import describe_plan, describe_written, store
    from aiida_mlhull.science.tables.writing import write_shards

    plan = generator.plan(start)
    click.echo(describe_plan(name, plan))
    if output is None and group is None:
        click.echo("\ndry run: nothing was written")
        return
    if group is not None:
        profile.load(click.get_current_context().obj)
    with click.progressbar(length=plan.draws, label="drawing", file=click.get_text_stream("stderr")) as bar:

        def advance(shard: Shard) -> None:
            bar.update(shard.drawn)

        shards = generator.shards(start, seed=seed)
        if output is not None:
            written, place = write_shards(shards, output, progress=advance), f"written: {output}"
        else:
            written, nodes = store(shards, str(group), progress=advance)
            place = f"stored: {text.count(nodes, 'node')} in group {group!r}"
    click.echo(f"\n{describe_written(written)}\n\n{place}")
