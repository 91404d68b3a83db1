"""``aiida-mlhull map``: what has been explored, in two columns and a color, and which regions are unexplored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.launching import profile
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.science.maps.points import Estimated, MapPoints
    from aiida_mlhull.science.maps.selection import Selection
    from aiida_mlhull.science.maps.territory import Territory
    from aiida_mlhull.science.reading.columns import Columns

SHOWN: Final = 12
"""Candidates in new territory that are named."""


@click.command("map")
@click.argument("table", metavar="TABLE")
@click.option("--x", required=True, metavar="COLUMN")
@click.option("--y", required=True, metavar="COLUMN")
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
    from aiida_mlhull.science.plots.maps import write_map
    from aiida_mlhull.science.reading.columns import Columns

    whole = _table(table, profile_name)
    known = None if reference is None else Columns.read(reference)
    words = {"x": x, "y": y, "color": color, "by": by, "coarse": _names(coarse), "extrapolate": extrapolate}
    points, made = read_points(whole, **words, reference=known)  # type: ignore[arg-type]
    if made is not None:
        click.echo(_lines(made, by or "family"))
    if best:
        chosen = best_points(points, whole, _names(best))
        click.echo(_best(chosen))
        points = points.take(chosen.chosen)
    placed = None
    if candidates is not None:
        placed, _ = read_points(Columns.read(candidates), **words, reference=known)  # type: ignore[arg-type]
    shown = points.shown
    territory = explore(points.x[shown], points.y[shown], bins=bins)
    click.echo(f"{int(shown.sum()):,} of {len(points):,} rows on the map")
    click.echo(_regions(territory, points, placed))
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


def _best(selection: Selection) -> str:
    """How many rows were taken, and how many might have been instead."""
    ties = int(selection.tied.sum())
    others = f" ({ties:,} others equal the last one taken: the table's order decided)" if ties else ""
    return f"best of every cluster: {int(selection.chosen.sum()):,} of {len(selection.chosen):,} rows{others}"


def _lines(made: Estimated, by: str) -> str:
    """The calibration for people."""
    import numpy as np

    rows = [
        (
            family,
            line.n_rows,
            " ".join(f"{value:.4f}" for value in line.coefficients),
            f"{line.intercept:.4f}",
            f"{line.leave_one_out:.3g}",
            f"{line.spread:.3g}",
            "" if line.converged else "not converged",
        )
        for family, line in made.calibration.lines.items()
    ]
    reasons, counts = np.unique(made.estimates.reasons, return_counts=True)
    tally = ", ".join(f"{count:,} {reason}" for reason, count in zip(reasons.tolist(), counts.tolist(), strict=True))
    head = (by, "reference", "coefficients", "intercept", "leave-one-out", "own spread", "")
    small = ", ".join(f"{family} ({count})" for family, count in made.calibration.too_small.items())
    return "\n".join(
        [
            f"{made.column}, estimated by Huber regression",
            text.table(head, rows, indent="  "),
            *([f"  too few or too equal reference rows: {small}"] if small else []),
            f"  rows: {tally}",
        ]
    )


def _regions(territory: Territory, points: MapPoints, placed: MapPoints | None) -> str:
    """Empty regions in ranges, and who falls there."""
    from aiida_mlhull.science.maps.territory import OUTSIDE

    x_name, y_name, *_ = points.labels
    there = None if placed is None else territory.where(placed.x, placed.y)
    lines = []
    for number, region in enumerate(territory.regions):
        lines.append(
            f"  {number + 1}: {region.share:.0%} of the map, {'enclosed' if region.enclosed else 'at its border'}; "
            f"within it {x_name} {region.x[0]:.4g} to {region.x[1]:.4g}, {y_name} {region.y[0]:.4g} to {region.y[1]:.4g}"
        )
        if there is not None and placed is not None:
            names = placed.names[there == number].tolist()
            lines.append(f"     candidates there: {len(names):,}{': ' if names else ''}{', '.join(names[:SHOWN])}")
    if there is not None and placed is not None:
        names = placed.names[there == OUTSIDE].tolist()
        lines.append(f"  outside the range of the map: {len(names):,}{': ' if names else ''}{', '.join(names[:SHOWN])}")
    return "\n".join([f"unexplored regions: {len(territory.regions)}", *lines])
