"""``aiida-mlhull predict`` and ``evaluate``: any ensemble asked about any rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiida_mlhull.cli import paths, progress
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida_mlhull.launching.questions.asking import Answer

OPTIONS = (
    click.argument("ensemble", metavar="ENSEMBLE"),
    click.argument("rows", metavar="ROWS"),
    click.option("--references", metavar="FILE_OR_NODE", help="Known phases, if others than those of the fit."),
    click.option("--elements", type=paths.KNOWN, metavar="FILE", help="Elemental references, if they stand apart."),
    click.option("--formation", is_flag=True, help="Energies as they were learned, from the elements or the hull."),
    click.option("--leave-out", is_flag=True, help="Leave rows out that can't be used, instead of refusing them."),
)


def asking(command: Any) -> Any:
    """Give a command the options of this module."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.command()
@asking
@click.option("-o", "--output", type=paths.NEW_TABLE, metavar="FILE", help="Write them as .csv, .json or .parquet.")
@click.pass_obj
def predict(profile_name: str | None, /, *, output: Path | None, **words: Any) -> None:
    """Have ENSEMBLE predict ROWS: mean and σ for each, as a node.

    ROWS are a table with cells or formulas, a folder or file of structures, stored candidates or results (pk, UUID,
    label), or a campaign. What the ensemble has never seen the like of is warned of: elements, stages, sizes, volumes.
    """
    answer = _ask(profile_name, **words)
    if output is not None:
        from aiida_mlhull.science.tables.export import WRITERS

        output.write_bytes(WRITERS[output.suffix[1:]](answer.predictions))
        click.echo(f"written: {output}")


@click.command()
@asking
@click.option("--target", metavar="COLUMN", help="Of a table: the column with the truth.")
@click.option("--truth", metavar="NODE", help="Stored results with the truth; a campaign brings its own.")
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Write pictures to this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def evaluate(profile_name: str | None, /, *, output: Path | None, as_json: bool, **words: Any) -> None:
    """Have ENSEMBLE predict ROWS, and hold what it says against the truth.

    Errors, their quantiles, and how far σ can be believed; with --output also true over predicted values colored by σ.
    """
    from aiida_mlhull.launching.questions.asking import judged

    told, facts = judged(_ask(profile_name, quiet=as_json, **words), output)
    click.echo(json.dumps(facts, indent=2) if as_json else f"\n{told}")


def _ask(profile_name: str | None, *, quiet: bool = False, **words: Any) -> Answer:
    profile.load(profile_name)
    from aiida_mlhull.launching.questions.asking import answered
    from aiida_mlhull.launching.running import silent

    told, answer = answered(progress=silent if quiet else progress.show, **words)
    click.echo(told, err=quiet)
    return answer
