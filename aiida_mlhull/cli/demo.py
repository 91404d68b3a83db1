"""``aiida-mlhull demo``: a campaign on real VASP results, in some minutes, with everything to look at afterwards."""

from __future__ import annotations

import os
import shutil
import sys
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from aiida_mlhull.cli import progress
from aiida_mlhull.cli.replay import report_outcome
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida_mlhull.launching.replay import Replay

PROTOCOL: Final = "laptop"
WITHOUT_POTENTIAL: Final = "laptop-plain"
"""What is left where the extra ``potential`` is not installed."""
SEED: Final = 1
WHOLE: Final[dict[str, Any]] = {"start": 0.08, "budget": 0.5, "batch": 0.06}
QUICK: Final[dict[str, Any]] = {"start": 0.08, "budget": 0.4, "batch": 0.16}
"""Shares of the candidates: to start with, altogether, and a round."""


@click.command()
@click.option("--quick", is_flag=True, help="Fewer, larger rounds: about half as long.")
@click.option(
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
    outcome = _campaign(WHOLE if not quick else QUICK)
    output.mkdir(parents=True, exist_ok=True)
    report_outcome(outcome, output, outcome.write_curve(output / "recall", name=PROTOCOL))
    _what_next(outcome)


def _campaign(size: dict[str, Any]) -> Replay:
    from aiida_mlhull.launching import daemon, inputs
    from aiida_mlhull.launching.replay import replay
    from aiida_mlhull.science.campaign.replay import on_record

    protocol = PROTOCOL if find_spec("chgnet") else WITHOUT_POTENTIAL
    overrides, _ = on_record(protocol, seed=SEED)
    overrides["stages"][-1]["gate"]["batch"] = size["batch"]
    overrides |= {"name": "demo", "start": size["start"], "budget": size["budget"]}
    with resources.as_file(resources.files("aiida_mlhull") / "demo_data") as data:
        campaign_inputs = inputs.read_files(
            data / "hypothetical_pnictides.parquet",
            data / "competing_phases.parquet",
            elements=data / "elements.json",
            bad_rows="leave_out",
        )
    click.echo("\n".join(campaign_inputs.remarks))
    running = daemon.look().running
    click.echo(f"\nThe campaign runs {'in the daemon' if running else 'in this terminal'}.")
    return replay(campaign_inputs, protocol=protocol, overrides=overrides, by_daemon=running, progress=progress.show)


def _what_next(outcome: Replay) -> None:
    """Commands to try, as they can be typed in the terminal that has seen the demo."""
    from aiida_mlhull.graph.campaign import Campaign

    phases = Campaign(outcome.node).phases()
    scripts = Path(sys.executable).parent
    command, verdi = (_typed(scripts / name) for name in ("aiida-mlhull", "verdi"))
    click.echo("\nAsk the graph:")
    click.echo(
        f"  export {profile.PATH_VARIABLE}={os.environ.get(profile.PATH_VARIABLE) or profile.configuration_folder()}"
    )
    if len(phases):
        click.echo(f"  {command} history {phases.ids[0]}")
    click.echo(f"  {command} rejected --round 1")
    click.echo(f"  {verdi} data mlhull-decisions list")


def _typed(script: Path) -> str:
    """A program as one types it: its name if the shell finds this one, else its path."""
    if shutil.which(script.name) == str(script):
        return script.name
    here = Path.cwd()
    return str(script.relative_to(here)) if script.is_relative_to(here) else str(script)
