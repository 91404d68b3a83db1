"""``aiida-mlhull map``: what has been explored, in two columns and a color, and which regions are unexplored."""

from __future__ import annotations

from pathlib import Path

import click

from aiida_mlhull.cli import paths


@click.command("map")
@click.argument("table", metavar="TABLE")
@click.option("--x", required=True, metavar="COLUMN", help="What goes along.")
@click.option("--y", required=True, metavar="COLUMN", help="What goes up.")
@click.option("--color", default="", metavar="COLUMN", help="Column of numbers; families are colored if left out.")
@click.option("--by", default="", metavar="COLUMN", help="Column with families.")
@click.option(
    "--calibrate",
    "reference",
    type=paths.KNOWN,
    metavar="REF",
    help="Table that has the one of the columns that TABLE lacks: it is estimated, family by family.",
)
@click.option("--coarse", default="", metavar="COLUMN,...", help="Columns of both tables to estimate from.")
@click.option("--extrapolate", is_flag=True, help="Estimate beyond the reference, too.")
@click.option(
    "--best", "best", default="", metavar="COLUMN,...", help="Show the best of every cluster in these columns."
)
@click.option("--candidates", type=paths.KNOWN, metavar="TABLE", help="Candidates to place on the map.")
@click.option("--bins", type=click.IntRange(min=2), default=12, show_default=True, help="Cells along each axis.")
@click.option(
    "-o", "--output", type=paths.NEW_PICTURE, required=True, help="Write the map here: html, png, pdf or svg."
)
@click.pass_obj
def map_command(
    profile_name: str | None,
    /,
    *,
    table: str,
    x: str,
    y: str,
    color: str,
    by: str,
    reference: Path | None,
    coarse: str,
    extrapolate: bool,
    best: str,
    candidates: Path | None,
    bins: int,
    output: Path,
) -> None:
    """Draw a map of TABLE, a parquet or csv file or a campaign that has ended well (its pk or label).

    Regions within the range of the rows where no row lies are outlined, and stated as ranges. Campaigns have the
    columns id, formula, system, reason, energy, e_above_hull, predicted, sigma, volume, shortest_bond and sites.
    """
    from aiida_mlhull.launching.questions.mapping import mapped

    words = {"x": x, "y": y, "color": color, "by": by, "extrapolate": extrapolate, "bins": bins}
    lists = {"coarse": _names(coarse), "best": _names(best)}
    files = {"reference": reference, "candidates": candidates, "profile_name": profile_name}
    for line in mapped(table, output, **words, **lists, **files):  # type: ignore[arg-type]
        click.echo(line)
    click.echo(f"written: {output}")


def _names(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]
