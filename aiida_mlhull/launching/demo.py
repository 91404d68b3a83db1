"""The campaign of the demonstration: published results that come with the package."""

from __future__ import annotations

import os
import shutil
import sys
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.launching import inputs, profile
from aiida_mlhull.launching.replay import replay
from aiida_mlhull.launching.running import Progress, silent

if TYPE_CHECKING:
    from aiida_mlhull.launching.inputs import CampaignInputs
    from aiida_mlhull.launching.replay import Replay

PROTOCOL: Final = "laptop"
WITHOUT_POTENTIAL: Final = "laptop-plain"
"""What is left where the extra ``potential`` is not installed."""
SEED: Final = 1
WHOLE: Final[dict[str, Any]] = {"start": 0.08, "budget": 0.34, "batch": 0.06}
QUICK: Final[dict[str, Any]] = {"start": 0.08, "budget": 0.34, "batch": 0.13}
"""Shares of the candidates: to start with, altogether, and a round."""


def read() -> CampaignInputs:
    """The hypothetical arsenides of Rb, Be and Cd with their published results."""
    with resources.as_file(resources.files("aiida_mlhull") / "demo_data") as data:
        return inputs.read_files(
            data / "hypothetical_pnictides.parquet",
            data / "competing_phases.parquet",
            elements=data / "elements.json",
            bad_rows="leave_out",
        )


def run(
    campaign_inputs: CampaignInputs, *, quick: bool = False, by_daemon: bool = False, progress: Progress = silent
) -> Replay:
    """Screen them.

    Args:
        campaign_inputs: of :func:`read`.
        quick: fewer, larger rounds.
        by_daemon: whether the daemon runs it; else this process does.
        progress: is called with every report.

    Raises:
        CampaignFailedError: if the campaign fails.
        StoppedError: if it is interrupted.
    """
    from aiida_mlhull.science.campaign.replay import on_record

    size = QUICK if quick else WHOLE
    protocol = PROTOCOL if find_spec("chgnet") else WITHOUT_POTENTIAL
    overrides, _ = on_record(protocol, seed=SEED)
    overrides["stages"][-1]["gate"]["batch"] = size["batch"]
    overrides |= {"name": "demo", "start": size["start"], "budget": size["budget"]}
    return replay(campaign_inputs, protocol=protocol, overrides=overrides, by_daemon=by_daemon, progress=progress)


def what_next(outcome: Replay) -> list[str]:
    """Commands to try, as they can be typed in the terminal that has seen the demo."""
    from aiida_mlhull.graph.campaign import Campaign

    phases = Campaign(outcome.node).phases()
    scripts = Path(sys.executable).parent
    command, verdi = (_typed(scripts / name) for name in ("aiida-mlhull", "verdi"))
    place = os.environ.get(profile.PATH_VARIABLE) or profile.configuration_folder()
    return [
        f"export {profile.PATH_VARIABLE}={place}",
        *([f"{command} history {phases.ids[0]}"] if len(phases) else []),
        f"{command} rejected --round 1",
        f"{verdi} data mlhull-decisions list",
    ]


def _typed(script: Path) -> str:
    """A program as one types it: its name if the shell finds this one, else its path."""
    if shutil.which(script.name) == str(script):
        return script.name
    here = Path.cwd()
    return str(script.relative_to(here)) if script.is_relative_to(here) else str(script)
