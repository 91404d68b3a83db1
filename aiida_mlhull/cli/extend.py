"""``aiida-mlhull extend``: a campaign that goes on from an earlier one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from aiida_mlhull.cli.launch import tell_and_start
from aiida_mlhull.launching import profile


@click.command()
@click.argument("campaign", metavar="PK")
@click.argument("changes", metavar="[CHANGES.YAML]", required=False, type=click.Path(path_type=Path))
@click.option("--budget", metavar="N", help="Relaxations of the last stage at most, earlier ones included; or a share.")
@click.option("--rule", metavar="NAME", help="Keep-rule of all gates.")
@click.option("--candidates", metavar="FILE", multiple=True, type=click.Path(path_type=Path), help="More candidates.")
@click.option("--references", metavar="FILE", type=click.Path(path_type=Path), help="Known phases instead of those.")
@click.option("--dry-run", is_flag=True, help="Check everything, say what would happen, store nothing.")
@click.option("--foreground", is_flag=True, help="Run in this terminal instead of giving it to the daemon.")
@click.pass_obj
def extend(
    profile_name: str | None,
    /,
    campaign: str,
    changes: Path | None,
    dry_run: bool,
    foreground: bool,
    **said: Any,
) -> None:
    """Go on from campaign PK, finished, stopped, failed or killed, with what CHANGES.YAML or the options say.

    Every result, draw and decision is taken over: nothing is relaxed twice, history and report tell one story.
    Without changes a killed campaign goes on as if nothing had happened.
    """
    from aiida_mlhull.science.campaign.extension import check_extension
    from aiida_mlhull.science.campaign.file import read_mapping

    content = dict(read_mapping(changes)) if changes is not None else {}
    folder = Path.cwd() if changes is None else changes.resolve().parent
    for key, value in said.items():
        if value:
            content[key] = _plain(key, value)
    checked = check_extension(content, folder=folder)
    profile.load(profile_name)
    from aiida_mlhull.launching.extension import prepare_extension

    tell_and_start(prepare_extension(campaign, checked), dry_run=dry_run, foreground=foreground)


def _plain(key: str, value: Any) -> Any:
    """What an option says, as a file would: paths in it are relative to where the command is given."""
    if key == "budget":
        return float(value) if "." in value else int(value) if value.isdigit() else value
    if key == "candidates":
        return [path.resolve() for path in value]
    return value.resolve() if isinstance(value, Path) else value
