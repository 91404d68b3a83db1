"""``aiida-mlhull prototypes``: the candidates of a chemical system, from prototypes that are known."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.cli.generate import draw

MAX_SITES: Final = 20
"""Of a prototype's cell: 90 % of the prototypes with two or three elements, and a few minutes by potential."""


@click.command()
@click.argument("elements", nargs=-1, required=True, metavar="ELEMENT...")
@click.option("-o", "--output", type=paths.NEW, required=True, metavar="FILE", help="Table to write, .parquet or .csv.")
@click.option(
    "--max-sites", type=click.IntRange(min=1), default=MAX_SITES, show_default=True, help="Largest cell of a prototype."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Build N decorations only, drawn at random.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws them.")
def prototypes(elements: tuple[str, ...], output: Path, max_sites: int, limit: int | None, seed: int) -> None:
    """Put the elements of a chemical system on the sites of known prototypes, in every distinct way.

    Short for 'generate prototypes': the prototypes are those of the AFLOW library that pymatgen ships. Candidates
    of the sub-systems are among them, pure elements are not: these are references. Cells have predicted volumes
    and are not relaxed.
    """
    from aiida_mlhull.science.generators import GENERATORS
    from aiida_mlhull.science.generators.base import GeneratorInput

    kind = GENERATORS["prototypes"]
    generator = kind(kind.Settings(largest_cell=max_sites, sample=limit))
    draw("prototypes", generator, GeneratorInput(elements=elements), seed=seed, output=output, group=None)
