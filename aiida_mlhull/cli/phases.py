"""``aiida-mlhull phases``: phases of a file or a campaign, placed on the hull."""

from __future__ import annotations

import json
from pathlib import Path

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.cli.uncollected import uncollected


@click.command()
@click.argument("source", metavar="FILE|PK")
@click.argument("wanted", nargs=-1, metavar="[PHASE]...")
@click.option(
    "-r", "--references", default="", metavar="FILE|PK|NAME", help="Known phases: a file, a snapshot, or mp-elements."
)
@click.option("--elements", type=paths.KNOWN, metavar="FILE", help="Elemental references (.json), if they stand apart.")
@click.option("--scheme", default="", metavar="ID|TEXT", help="Of energies in files that don't state it themselves.")
@click.option("--energy", default="", metavar="COLUMN", help="Of a table, in eV/atom.")
@click.option("--formation", is_flag=True, help="FILE holds formation energies: the elements are at 0 eV/atom.")
@click.option(
    "--quantile",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Call underexplored what lies below this share of the known stable phases, instead of the Materials Project's.",
)
@click.option("-o", "--output", type=paths.NEW, metavar="FILE", help="Write all rows to .csv, .parquet or .json.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
@uncollected()
def phases(
    profile_name: str | None,
    *,
    source: str,
    wanted: tuple[str, ...],
    references: str,
    elements: Path | None,
    scheme: str,
    energy: str,
    formation: bool,
    quantile: float | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Place the phases in FILE, or the results of campaign PK, on the hull.

    Formation energy, energy above the hull, signed distance, phase-separation energy, decomposition, and the chemical
    potentials in which a phase is stable. Name a PHASE by its id, formula or chemical system to see all of it.
    """
    from aiida_mlhull.launching.questions.placing import in_words, place_source
    from aiida_mlhull.science.campaign.phase_table import phase_records, write_phases

    placed, remarks = place_source(
        source,
        references=references,
        elements=elements,
        scheme=scheme,
        energy=energy,
        formation=formation,
        quantile=quantile,
        profile_name=profile_name,
    )
    rows = placed.named(wanted)
    if as_json:
        click.echo(json.dumps(phase_records(placed, rows), indent=1, ensure_ascii=False))
    else:
        click.echo("\n".join([*remarks, "", in_words(placed, rows, details=bool(wanted))]))
    if output is not None:
        write_phases(placed, output)
        click.echo(f"written: {output}", err=as_json)
