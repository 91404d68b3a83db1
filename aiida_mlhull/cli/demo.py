"""``aiida-mlhull demo``: a campaign on real VASP results, in some minutes, with everything to look at afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import click

from aiida_mlhull.cli import progress
from aiida_mlhull.cli.replay import report_outcome
from aiida_mlhull.launching import profile
from aiida_mlhull.launching.services import daemon


@click.command()
@click.option("--quick", is_flag=True, help="Fewer, larger rounds: about half as long.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-output"),
    show_default=True,
    help="Folder for pictures and tables.",
)
@click.pass_obj
def demo(profile_name: str | None, quick: bool, output: Path) -> None:
    """Find the stable arsenides of Rb, Be and Cd with less than half of the VASP relaxations.

    A retrospective campaign on published results that come with the package: the models choose, the
    record answers instead of VASP, and in the end the hull is compared with the full one. It goes
    through the AiiDA profile in AIIDA_PATH; without that it gets a profile of its own in the output
    folder.
    """
    own = profile_name is None and not os.environ.get(profile.PATH_VARIABLE)
    profile.load_or_make(profile_name, profile.point_to(output) if own else profile.choose(profile_name, folder=output))
    from aiida_mlhull.launching import demo as example

    arsenides = example.read()
    click.echo("\n".join(arsenides.remarks))
    in_daemon = daemon.look().running
    click.echo(f"\nThe campaign runs {'in the daemon' if in_daemon else 'in this terminal'}.")
    outcome = example.run(arsenides, quick=quick, by_daemon=in_daemon, progress=progress.show)
    output.mkdir(parents=True, exist_ok=True)
    report_outcome(outcome, output, outcome.write_curve(output / "recall", name=example.PROTOCOL))
    click.echo("\n".join(["\nAsk the graph:", *(f"  {line}" for line in example.what_next(outcome))]))
