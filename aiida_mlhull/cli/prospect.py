"""``aiida-mlhull prospect``: from known crystals to a campaign with candidates that may be stable, on labels alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.cli.launch import start
from aiida_mlhull.launching import profile
from aiida_mlhull.launching.setting_out import PROSPECTING


@click.command()
@click.argument("crystals", type=paths.KNOWN_OR_FOLDER)
@click.option(
    "-r",
    "--references",
    required=True,
    metavar="FILE|PK|NAME",
    help="Known phases, or mp-elements: the elements alone.",
)
@click.option("--elements", type=paths.KNOWN, metavar="FILE", help="Elemental references (.json), if they stand apart.")
@click.option("--scheme", default="", metavar="ID|TEXT", help="Of energies in files that don't state it themselves.")
@click.option(
    "--parents-within", type=click.FloatRange(min=0), metavar="EV", help="Parents' largest height above the hull. [0.1]"
)
@click.option(
    "--exclude", multiple=True, metavar="GROUP|ELEMENT", help="Never drawn; repeatable. [noble_gases, radioactive]"
)
@click.option("--draws", type=click.IntRange(min=1), help="For each parent. [10]")
@click.option("--ensemble", metavar="PK", help="A stored ensemble to ask, instead of fitting one to the crystals.")
@click.option("--model", metavar="NAME", help="That is fitted; one that reads labels or compositions. [wren]")
@click.option("--members", type=click.IntRange(min=1), help="Members of its ensemble. [10]")
@click.option("--rule", metavar="NAME", help="Keep-rule. [sigma_adjusted: ΔE + σ < 0]")
@click.option(
    "--settings", "file", type=paths.KNOWN, metavar="YAML", help="All settings; options above count before it."
)
@click.option("--later", type=paths.KNOWN_OR_FOLDER, metavar="FILE", help="Crystals found later, to score it by.")
@click.option("--protocol", default=PROSPECTING, show_default=True, metavar="NAME", help="Of the campaign.")
@click.option("--seed", type=click.IntRange(min=0), help="Of all that is drawn. [0]")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Made new, or that of the same command, which was stopped.",
)
@click.option(
    "--launch", "launching", is_flag=True, help="Show the campaign's dry run, and ask whether to run it here."
)
@click.option("-y", "--yes", is_flag=True, help="Launch without asking.")
@click.pass_obj
def prospect(
    profile_name: str | None, /, *, crystals: Path, output: Path, launching: bool, yes: bool, **words: Any
) -> None:
    """Prospect from CRYSTALS: draw new compositions, have models judge labels, keep what may be stable.

    CRYSTALS are a table with cells and energies, total or of formation. Elements replace each other as they do among
    them; models learn what their labels say of their energies. The kept candidates go into a new folder with a campaign
    file, which makes their cells, relaxes them and finds out. Nothing needs AiiDA but --ensemble and --launch.
    """
    from aiida_mlhull.launching.setting_out import prospect as prospecting

    own = ("references", "elements", "scheme", "ensemble", "later", "protocol")
    where = {name: words.pop(name) for name in own} | {"profile_name": profile_name}
    settings = prospecting.settings_from(**words)
    made = prospecting.prospect(crystals, output, settings=settings, report=partial(click.echo, err=True), **where)
    click.echo(f"{made.told}\n\nwritten: {made.campaign}")
    later = f"aiida-mlhull launch {made.campaign}"
    if not (launching or yes):
        click.echo(f"Next: {later} --dry-run")
        return
    profile.load(profile_name)
    from aiida_mlhull.launching.launch import prepare

    prepared = prepare(made.campaign)
    click.echo(f"\n{prepared.describe()}")
    if not (yes or click.confirm(f"\nMake cells for {made.kept:,} candidates, and relax them here and now?")):
        click.echo(f"\nNothing was stored. Later: {later}")
        return
    start(prepared)
