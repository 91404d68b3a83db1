"""``aiida-mlhull phases``: phases of a file or a campaign, placed on the hull."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.launching.questions.placing import place_source
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.science.hull.placement import PlacedPhases

SHOWN: Final = 20


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
        click.echo("\n".join([*remarks, "", describe(placed, rows, details=bool(wanted))]))
    if output is not None:
        write_phases(placed, output)
        click.echo(f"written: {output}", err=as_json)


def describe(placed: PlacedPhases, rows: list[int], *, details: bool) -> str:
    """Counts, then the phases: one by one where they were asked for."""
    from aiida_mlhull.science.campaign.phase_table import phase_facts

    facts = [
        ("phases", len(placed)),
        ("on the hull", int(placed.stable.sum())),
        ("underexplored", int(placed.underexplored.sum())),
        ("scheme", placed.scheme or None),
        ("exact to", f"{placed.gaps.max(initial=0.0):.0e} eV/atom"),
    ]
    shown = rows[:SHOWN]
    more = f"\n... and {len(rows) - SHOWN:,} more: --output writes all" if len(rows) > SHOWN else ""
    if details:
        blocks = [f"{placed.ids[row]}, {placed.formulas[row]}\n{text.pairs(phase_facts(placed, row))}" for row in shown]
        return "\n\n".join([text.pairs(facts, indent=""), *blocks]) + more
    headers = ("phase", "formula", "E_form", "above hull", "signed", "separation", "underexplored")
    cells = [
        (
            placed.ids[row],
            placed.formulas[row],
            *(f"{column[row]:.4f}" for column in (placed.formation, placed.e_above_hull, placed.signed)),
            f"{placed.phase_separation[row]:.4f}",
            bool(placed.underexplored[row]),
        )
        for row in shown
    ]
    return f"{text.pairs(facts, indent='')}\n\n{text.table(headers, cells)}{more}\nEnergies in eV/atom, lowest distance first"
