"""``aiida-mlhull site-energies``: what elements contribute to an ensemble's predictions, by their sites."""

from __future__ import annotations

import json
from pathlib import Path

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.launching import profile
from aiida_mlhull.science.tables import text


@click.command("site-energies")
@click.argument("ensemble", metavar="ENSEMBLE")
@click.argument("crystals", metavar="CRYSTALS", type=click.Path(path_type=Path))
@click.option(
    "--sites",
    type=click.Choice(["all", "symmetry", "perovskite"]),
    default="all",
    show_default=True,
    help="Tell sites apart: not at all, by their symmetry, or as A, B and X of perovskites.",
)
@click.option("--fewest", type=click.IntRange(min=1), default=5, show_default=True, help="Sites to average over.")
@click.option("-o", "--output", type=paths.NEW, help="Write a picture to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def site_energies(
    profile_name: str | None,
    /,
    *,
    ensemble: str,
    crystals: Path,
    sites: str,
    fewest: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Average what every site contributes to ENSEMBLE's predictions, over the cells of CRYSTALS.

    The ensemble is of cgcnn with 'pooling: linear', whose prediction is the mean over a number for each site. CRYSTALS
    is anything that candidates are read from. Where an element's mean is low, it makes compounds stable.
    """
    profile.load(profile_name)
    from aiida_mlhull.launching import stored
    from aiida_mlhull.science.ensembles.sites import contributions_in
    from aiida_mlhull.science.metrics.site_averages import by_kind, site_averages
    from aiida_mlhull.science.reading.candidates import read_crystals
    from aiida_mlhull.science.representations.site_kinds import site_kinds

    weights = stored.ensemble(ensemble).to_science()
    read = read_crystals(crystals).candidates
    cells, contributions = contributions_in(read, weights)
    averages = site_averages(contributions, cells.numbers, site_kinds(cells, sites))  # type: ignore[arg-type]
    if output is not None:
        from aiida_mlhull.science.plots.sites import draw_site_averages

        draw_site_averages(averages, fewest=fewest, unit=weights.unit).savefig(output)
    table = averages.listed(fewest=fewest)
    if as_json:
        means = by_kind(averages, fewest=fewest)
        click.echo(json.dumps({"unit": weights.unit, "crystals": len(read), "means": means}, indent=2))
        return
    lines = [(symbol, kind, count, f"{mean:.3f}") for symbol, kind, count, mean in table]
    click.echo(text.table(("element", "site", "sites", f"mean {weights.unit}".strip()), lines))
