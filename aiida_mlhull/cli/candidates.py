"""``aiida-mlhull prototypes``: the candidates of a chemical system, from prototypes that are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aiida_mlhull.cli import paths, text

if TYPE_CHECKING:
    from aiida_mlhull.science.generators.decoration import Decorated

MAX_SITES: Final = 20
"""Of a prototype's cell: 90 % of the prototypes with two or three elements, and a few minutes by potential."""


@click.command()
@click.argument("elements", nargs=-1, required=True, metavar="ELEMENT...")
@click.option(
    "--output",
    type=paths.NEW,
    required=True,
    metavar="FILE",
    help="Table to write, .parquet or .csv; 'launch' reads it as candidates.",
)
@click.option(
    "--max-sites", type=click.IntRange(min=1), default=MAX_SITES, show_default=True, help="Largest cell of a prototype."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Build N decorations only, drawn at random.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws them.")
def prototypes(elements: tuple[str, ...], output: Path, max_sites: int, limit: int | None, seed: int) -> None:
    """Put the elements of a chemical system on the sites of known prototypes, in every distinct way.

    The prototypes are those of the AFLOW library that pymatgen ships. Candidates of the sub-systems are
    among them, pure elements are not: these are references. Cells have predicted volumes and are not
    relaxed.
    """
    from aiida_mlhull.science.generators.decoration import decorate_all
    from aiida_mlhull.science.reading.columns import TABLE_SUFFIXES
    from aiida_mlhull.science.tables.export import WRITERS

    if output.suffix not in TABLE_SUFFIXES:
        raise click.UsageError(f"{output.name}: tables are written as {' or '.join(TABLE_SUFFIXES)}")
    found = decorate_all(elements, largest_cell=max_sites, sample=limit, seed=seed)
    click.echo(describe(found))
    output.write_bytes(WRITERS[output.suffix.removeprefix(".")](found.candidates))
    click.echo(f"\nwritten: {output}")


def describe(found: Decorated) -> str:
    """Where the candidates came from and what is not among them, for people."""
    from aiida_mlhull.science.tables.summary import summarize

    passed_over = ", ".join(f"{count} have {reason}" for reason, count in found.passed_over.items())
    drawn = "" if found.drawn == found.decorations else f", {found.drawn:,} of them drawn"
    facts = summarize(found.candidates)
    counts = text.pairs(
        [
            ("prototypes used", found.used),
            ("passed over", f"{sum(found.passed_over.values())}{': ' if passed_over else ''}{passed_over}"),
            ("decorations", f"{found.decorations:,}{drawn}"),
            ("the same crystal as another", found.repeated),
            ("with atoms that meet", found.overlapping),
            ("candidates", facts["n_rows"]),
        ]
    )
    by_system = text.table(("system", "candidates", "compositions"), _systems(found), indent="  ")
    return f"{found.candidates.source}\n{counts}\n\n{by_system}"


def _systems(found: Decorated) -> list[tuple[str, int, int]]:
    """Chemical system, candidates and compositions; small systems first."""
    from aiida_mlhull.science.representations.composition import distinct

    compositions, which = distinct(found.candidates.formulas.tolist())
    rows: dict[tuple[int, str], list[int]] = {}
    for number in which.tolist():
        composition = compositions[number]
        rows.setdefault((len(composition.symbols), composition.chemical_system), []).append(number)
    return [(system, len(members), len(set(members))) for (_, system), members in sorted(rows.items())]
