"""``aiida-mlhull generate``: candidates from crystals, a chemical system or formulas, with any generator."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiida_mlhull.cli import paths, text
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aiida_mlhull.science.generators.base import Generator, GeneratorInput, Plan
    from aiida_mlhull.science.generators.parents import Parents
    from aiida_mlhull.science.tables.writing import Shard, Written
    from aiida_mlhull.science.types import Candidates, References


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
    from aiida_mlhull.science.generators import GENERATORS

    if (output is None) == (group is None) and not dry_run:
        raise click.UsageError("say where candidates go, --output FILE or --group LABEL, or look first with --dry-run")
    generator = make_generator(GENERATORS[name], name, settings)
    start = read_start(generator, name, names, **files)
    if write_table is not None or draw_table is not None:
        keep_table(generator, start, write_table, draw_table)
    where = {"output": None, "group": None} if dry_run else {"output": output, "group": group}
    draw(name, generator, start, seed=seed, **where)


def draw(
    name: str, generator: Generator, start: GeneratorInput, *, seed: int, output: Path | None, group: str | None
) -> None:
    """Print what would be drawn and, if a file or a group is named, draw and write or store it."""
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

        shards: Iterator[Shard] = generator.shards(start, seed=seed)
        if output is not None:
            written, place = write_shards(shards, output, progress=advance), f"written: {output}"
        else:
            written, place = store(shards, str(group), progress=advance)
    click.echo(f"\n{describe_written(written)}\n\n{place}")


def store(shards: Iterator[Shard], group: str, *, progress: Callable[[Shard], None]) -> tuple[Written, str]:
    """Shards as nodes of a new group; what became of the draws, and where they are now."""
    from aiida_mlhull.data.shards import store_shards
    from aiida_mlhull.science.tables.writing import Written

    left_out = Counter[str]()

    def rows() -> Iterator[Candidates]:
        for shard in shards:
            left_out.update(shard.left_out)
            progress(shard)
            yield shard.candidates

    nodes = store_shards(rows(), group=group)
    total = sum(node.n_rows for node in nodes)
    return Written(total, left_out), f"stored: {text.count(len(nodes), 'node')} in group {group!r}"


def make_generator(kind: type[Generator], name: str, settings: Path | None) -> Generator:
    """The generator with the settings of a file.

    Raises:
        SettingsError: if the file has a key that the generator doesn't know.
    """
    from aiida_mlhull.science.campaign.file import read_mapping
    from aiida_mlhull.science.types.strict import validated

    values = {} if settings is None else read_mapping(settings)
    return kind(validated(kind.Settings, values, what=name if settings is None else settings.name))


def read_start(
    generator: Generator,
    name: str,
    names: tuple[str, ...],
    *,
    crystals: Path | None,
    references: Path | None,
    elements: Path | None,
    table: Path | None,
) -> GeneratorInput:
    """Read what the generator needs.

    Raises:
        click.UsageError: if it is something else.
    """
    from aiida_mlhull.science.generators.base import GeneratorInput
    from aiida_mlhull.science.representations.composition import distinct
    from aiida_mlhull.science.wire import decode_substitutions

    from_crystals = generator.needs == "crystals"
    if not names or (from_crystals and len(names) > 1):
        wanted = "one file or folder of crystals" if from_crystals else f"some {generator.needs}"
        raise click.UsageError(f"{name} starts from {wanted}: aiida-mlhull generate {name} ...")
    if from_crystals and crystals is not None:
        raise click.UsageError(f"{name} starts from {names[0]}; --crystals is for prototypes")
    phases = None if references is None else _references(references, elements)
    source = Path(names[0]) if from_crystals else crystals
    return GeneratorInput(
        crystals=None if source is None else _parents(source, phases),
        elements=names if generator.needs == "elements" else (),
        formulas=names if generator.needs == "formulas" else (),
        table=None if table is None else decode_substitutions(table.read_bytes(), name=table.name),
        known=frozenset() if phases is None else frozenset(distinct(phases.formulas.tolist())[0]),
    )


def _references(file: Path, elements: Path | None) -> References:
    from aiida_mlhull.science.reading import read_references

    intake = read_references(file, elements=elements, bad_rows="leave_out")
    click.echo(intake.summary())
    return intake.references


def _parents(file: Path, references: References | None) -> Parents:
    from aiida_mlhull.science.generators.parents import read_parents

    parents, left_out = read_parents(file, references=references)
    beyond = f"{parents.symmetric} with symmetry beyond P1"
    click.echo(
        f"{parents.source}: {text.count(len(parents), 'crystal')}, {beyond}; {left_out.summary()}; other columns stay with them"
    )
    return parents


def keep_table(generator: object, start: GeneratorInput, file: Path | None, picture: Path | None) -> None:
    """Write and draw the table that a generator draws from.

    Raises:
        click.UsageError: if it draws from none.
    """
    from aiida_mlhull.science.generators.substitution import Substitution
    from aiida_mlhull.science.plots.substitutions import draw_substitutions
    from aiida_mlhull.science.wire import encode_substitutions

    if not isinstance(generator, Substitution):
        raise click.UsageError("only substitution draws from a substitution table")
    table = generator.table(start)
    if file is not None:
        file.write_bytes(encode_substitutions(table))
        click.echo(f"written: {file}")
    if picture is not None:
        draw_substitutions(table, title=table.source).savefig(picture)
        click.echo(f"written: {picture}")


def describe_plan(name: str, plan: Plan) -> str:
    """What would be drawn, for people."""
    facts = [(what, value) for what, value in plan.facts.items() if value is not None]
    return f"\n{name}\n{text.pairs([*facts, ('draws', plan.draws)])}"


def describe_written(written: Written) -> str:
    """What became of the draws, for people."""
    reasons = [(reason.replace("_", " "), count) for reason, count in written.left_out.most_common()]
    return text.pairs([("draws", written.drawn), *reasons, ("candidates", written.candidates)])
