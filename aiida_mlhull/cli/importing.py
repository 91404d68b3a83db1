"""``aiida-mlhull import``: candidates from databases, files and groups, as a table that 'launch' reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida_mlhull.science.sources.base import Source
    from aiida_mlhull.science.sources.importing import Imported

INTERRUPTED: Final = 130


def output_option(command: Any) -> Any:
    """The table that every source is written to."""
    return click.option(
        "-o", "--output", type=paths.NEW, required=True, metavar="FILE", help="Table to write, .parquet or .csv."
    )(command)


def partial_option(command: Any) -> Any:
    """Less than was announced."""
    return click.option(
        "--partial", is_flag=True, help="Take what came where a database sends less than it announced; else an error."
    )(command)


@click.group("import")
def importing() -> None:
    """Import candidates from databases, files and groups.

    Structures that can't be used (disorder, partial occupancies, atoms that meet) are left out and counted. An
    import that was interrupted goes on where it stopped when it is called again.
    """


@importing.command()
@click.argument("url")
@click.option("--filter", "query", default="", metavar="FILTER", help="OPTIMADE filter; everything if left out.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="Provider's columns to keep. [default: about energies]")
@click.option(
    "--page", "page_size", type=click.IntRange(min=1), default=100, show_default=True, help="Structures a request."
)
@click.option("--pause", type=click.FloatRange(min=0), default=0.5, show_default=True, help="Seconds between requests.")
@click.option("--skip-pages", is_flag=True, help="Pass over pages that always fail, and count them.")
@partial_option
@output_option
def optimade(*, url: str, output: Path, keep: tuple[str, ...], pause: float, **words: Any) -> None:
    """Import from the OPTIMADE database at URL what a filter finds.

    \b
    aiida-mlhull import optimade https://oqmd.org/optimade \\
        --filter 'elements HAS ALL "Ti","N" AND nelements <= 3' -o candidates.parquet
    """  # noqa: D301  (click's mark for a paragraph that keeps its lines)
    from aiida_mlhull.science.sources import SOURCES
    from aiida_mlhull.science.sources.client import Client

    run(SOURCES["optimade"](url, keep=keep or None, client=Client(pause=pause), **words), output)


@importing.command("materials-project")
@click.argument("elements", nargs=-1, required=True, metavar="ELEMENT...")
@click.option("--highest", type=click.FloatRange(min=0), metavar="EV", help="At most so far above the project's hull.")
@partial_option
@output_option
def materials_project(*, elements: tuple[str, ...], output: Path, **words: Any) -> None:
    """Import a chemical system, and the systems in it, from the Materials Project.

    The key is read from MP_API_KEY. Needs the extra 'mp'.
    """
    from aiida_mlhull.science.sources import SOURCES

    endpoint = os.environ.get("MP_API_ENDPOINT")
    run(SOURCES["materials-project"](elements, endpoint=endpoint, **words), output)


@importing.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@output_option
def files(*, paths: tuple[Path, ...], output: Path) -> None:
    """Import tables, CIF and POSCAR or folders of them, extxyz, and pymatgen's JSON."""
    from aiida_mlhull.science.sources import SOURCES

    run(SOURCES["files"](paths), output)


@importing.command()
@click.argument("label")
@output_option
@click.pass_obj
def group(profile_name: str | None, *, label: str, output: Path) -> None:
    """Import the structures of the AiiDA group LABEL."""
    profile.load(profile_name)
    from aiida_mlhull.data.sources import StructureGroup

    run(StructureGroup(label), output)


@importing.command()
@click.argument("path", metavar="PATH", type=paths.KNOWN_OR_FOLDER)
@click.pass_obj
def weights(profile_name: str | None, *, path: Path) -> None:
    """Import an ensemble that predicts and can be a parent.

    PATH is a network that CGCNN's authors have published (.pth.tar), or a folder into which 'verdi data mlhull-ensemble
    export' has written an ensemble.
    """
    profile.load(profile_name)
    from aiida_mlhull.launching import stored

    click.echo(stored.published(path))


def run(source: Source, output: Path) -> None:
    """Import, with one line per portion where that takes a while, and print what came of it.

    Raises:
        click.exceptions.Exit: if it was interrupted; what has come is kept.
    """
    from aiida_mlhull.science.sources.importing import import_from
    from aiida_mlhull.science.sources.words import describe

    def report(counts: Imported) -> None:
        if source.waits:
            of = "" if counts.total is None else f" of {counts.total:,}"
            click.echo(f"{counts.read:,}{of} read", err=True)

    try:
        counts = import_from(source, output, progress=report)
    except KeyboardInterrupt:
        click.echo("\nInterrupted: the same command goes on where this one stopped.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    click.echo(f"{describe(source.name, counts)}\n\nwritten: {output}")
