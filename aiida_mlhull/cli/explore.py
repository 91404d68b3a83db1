"""``aiida-mlhull explore``: from the name of a chemical system to its phase diagram, in one command."""

from __future__ import annotations

from pathlib import Path

import click

from aiida_mlhull.cli.launch import start
from aiida_mlhull.cli.prototypes import MAX_SITES
from aiida_mlhull.launching import profile


@click.command()
@click.argument("system", metavar="Ti-Zn-N")
@click.option(
    "-r",
    "--references",
    default="",
    metavar="FILE|NAME",
    help="Known phases: a file, materials-project or mp-elements. [default: the project if MP_API_KEY is set]",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FOLDER", help="[default: named as the system]"
)
@click.option(
    "--max-sites", type=click.IntRange(min=1), default=MAX_SITES, show_default=True, help="Largest prototype."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="So many candidates at most, drawn at random.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all that is drawn.")
@click.option("--dry-run", is_flag=True, help="Stop after the dry run.")
@click.option("-y", "--yes", is_flag=True, help="Launch without asking.")
@click.pass_obj
def explore(
    profile_name: str | None,
    *,
    system: str,
    references: str,
    output: Path | None,
    max_sites: int,
    limit: int | None,
    seed: int,
    dry_run: bool,
    yes: bool,
) -> None:
    """Explore a chemical system: candidates from prototypes, known phases, a universal potential.

    Writes candidates and a campaign file into a folder, says what would happen, and asks before it runs the campaign
    in this terminal. The file is there to be changed and launched again.
    """
    from aiida_mlhull.launching.setting_out.explore import set_out

    profile.load(profile_name)
    folder = output or Path(system.lower())
    made = set_out(system, folder, references=references, max_sites=max_sites, limit=limit, seed=seed)
    click.echo("\n".join([*made.remarks, f"written: {made.campaign}", ""]))
    from aiida_mlhull.launching.launch import prepare

    prepared = prepare(made.campaign)
    click.echo(prepared.describe())
    later = f"aiida-mlhull launch {made.campaign} --foreground"
    if dry_run or not (yes or click.confirm(f"\nRelax {made.candidates:,} candidates here and now?")):
        click.echo(f"\nNothing was stored. Later: {later}")
        return
    start(prepared)
