"""``aiida-mlhull strain``: what strain does to bonds, energies and the distance from the hull."""

from __future__ import annotations

from pathlib import Path

import click

from aiida_mlhull.cli import paths, progress
from aiida_mlhull.launching import profile

GRID = "-0.04,-0.02,0,0.02,0.04"


@click.command()
@click.argument("crystals", type=paths.KNOWN_OR_FOLDER)
@click.option("--ab", default=GRID, show_default=True, metavar="STRAIN,...", help="Strains of the plane of a and b.")
@click.option("--c", default=GRID, show_default=True, metavar="STRAIN,...", help="Strains along its normal.")
@click.option("--film", is_flag=True, help="Relax the third vector at every strain of the plane instead of --c.")
@click.option("--pairs", default="", metavar="A-B,...", help="Bonds to follow; all if left out.")
@click.option(
    "--compare",
    type=click.Choice(["strain", "substrate"]),
    default="strain",
    show_default=True,
    help="What crystals that compete share: the strain of their own planes, or the area of the plane.",
)
@click.option("--references", type=paths.KNOWN, metavar="TABLE", help="Competing phases, for the hull.")
@click.option("--scheme", default="", metavar="TEXT", help="Functional and settings of the references' energies.")
@click.option("--max-force", type=float, default=0.01, show_default=True, help="eV/Å.")
@click.option("--processes", type=click.IntRange(min=1), default=1, show_default=True, help="At the same time.")
@click.option("-o", "--output", type=paths.NEW, help="Write a picture to this file.")
@click.pass_obj
def strain(
    profile_name: str | None,
    /,
    *,
    crystals: Path,
    ab: str,
    c: str,
    film: bool,
    pairs: str,
    compare: str,
    references: Path | None,
    scheme: str,
    max_force: float,
    processes: int,
    output: Path | None,
) -> None:
    """Strain CRYSTALS on a grid and relax the positions at fixed cell, with the potential as rehearsal.

    CRYSTALS is a file or folder of structures, relaxed ones. With references, every crystal's height above the hull
    of its competitors is given for every strain of the plane: the references as they are, and the other crystals under
    the same strain or on the same substrate. The WorkChain is mlhull.strain, which takes any engine.
    """
    from aiida_mlhull.launching.questions.strain import draw, strain_crystals
    from aiida_mlhull.science.reading import read_references
    from aiida_mlhull.science.reading.candidates import AS_PUBLISHED, read_crystals
    from aiida_mlhull.science.strain.grid import StrainSettings
    from aiida_mlhull.science.strain.words import response_in_words
    from aiida_mlhull.science.types.strict import validated

    wish = {
        "ab": _strains(ab),
        "c": [0.0] if film else _strains(c),
        "compare": compare,
        "pairs": [p for p in pairs.split(",") if p],
    }
    settings = validated(StrainSettings, wish, what="strain")
    intake = read_crystals(crystals)
    known = None if references is None else read_references(references, scheme=scheme or AS_PUBLISHED).references
    click.echo(intake.summary())
    profile.load(profile_name)
    node = strain_crystals(
        intake.candidates,
        settings,
        references=known,
        freedom="normal" if film else "positions",
        max_force=max_force,
        processes=processes,
        progress=progress.show,
    )
    click.echo(response_in_words(node.outputs.response["crystals"]))
    if output is not None:
        draw(node, output)
        click.echo(f"written: {output}")


def _strains(words: str) -> list[float]:
    try:
        return [float(word) for word in words.split(",")]
    except ValueError:
        raise click.BadParameter(f"{words!r} should be fractions with commas between, as -0.02,0,0.02") from None
