"""``aiida-mlhull map``: what has been explored, in two columns and a color, and which regions are unexplored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida_mlhull.science.reading.columns import Columns


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
    from aiida_mlhull.science.maps.points import read_points
    from aiida_mlhull.science.maps.selection import best_points
    from aiida_mlhull.science.maps.territory import explore
    from aiida_mlhull.science.maps.words import best_in_words, estimates_in_words, regions_in_words
    from aiida_mlhull.science.plots.maps import write_map
    from aiida_mlhull.science.reading.columns import Columns

    whole = _table(table, profile_name)
    known = None if reference is None else Columns.read(reference)
    words = {"x": x, "y": y, "color": color, "by": by, "coarse": _names(coarse), "extrapolate": extrapolate}
    points, made = read_points(whole, **words, reference=known)  # type: ignore[arg-type]
    if made is not None:
        click.echo(estimates_in_words(made, by or "family"))
    if best:
        chosen = best_points(points, whole, _names(best))
        click.echo(best_in_words(chosen))
        points = points.take(chosen.chosen)
    placed = None
    if candidates is not None:
        placed, _ = read_points(Columns.read(candidates), **words, reference=known)  # type: ignore[arg-type]
    shown = points.shown
    territory = explore(points.x[shown], points.y[shown], bins=bins)
    click.echo(f"{int(shown.sum()):,} of {len(points):,} rows on the map")
    click.echo(regions_in_words(territory, points, placed))
    write_map(output, points, territory, candidates=placed, title=Path(whole.name).stem)
    click.echo(f"written: {output}")


def _table(name: str, profile_name: str | None) -> Columns:
    """A file's columns, or a campaign's."""
    from aiida_mlhull.science.reading.columns import Columns

    path = Path(name)
    if path.exists() or path.suffix:
        return Columns.read(path)
    profile.load(profile_name)
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.graph.mapped import columns

    return columns(campaigns.find(name))


def _names(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]
