"""``aiida-mlhull setup``: tell AiiDA where the programs are, and on request where something to rehearse VASP with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiida_mlhull.launching import codes, profile
from aiida_mlhull.launching.codes import LOCALHOST, PROGRAM
from aiida_mlhull.science.not_vasp import PROGRAM as STANDIN

if TYPE_CHECKING:
    from aiida import orm


@click.command()
@click.option("--computer", "computer_label", default=LOCALHOST, show_default=True, help="AiiDA's name of the machine.")
@click.option(
    "--executable",
    type=click.Path(path_type=Path),
    help="Path of mlhull-job on that machine; on localhost it is found beside the running Python.",
)
@click.option(
    "--stand-in",
    "with_standin",
    is_flag=True,
    help="Also register a stand-in for VASP with placeholders for its potentials, to rehearse campaigns. It is NOT VASP.",
)
@click.pass_obj
def setup(profile_name: str | None, computer_label: str, executable: Path | None, with_standin: bool) -> None:
    """Register the computer localhost and the code mlhull-job in the AiiDA profile.

    Running it again changes nothing that is right already.
    """
    profile.load(profile_name)
    if computer_label == LOCALHOST:
        if executable is not None and not executable.is_file():
            raise click.UsageError(f"there is no program {executable} on this machine")
        computer, news = codes.register_localhost()
        click.echo(f"computer {computer.label}: {news}")
        code, news = codes.register_code(computer, executable or codes.installed_program())
    else:
        computer = codes.load_computer(computer_label)
        if executable is None:
            raise click.UsageError(f"say with --executable where {PROGRAM} is on {computer_label}")
        code, news = codes.register_code(computer, executable)
    click.echo(f"code {code.full_label}<{code.pk}>: {news}")
    if with_standin:
        _set_up_standin(computer, executable and executable.with_name(STANDIN))
    click.echo("Next: aiida-mlhull doctor")


def _set_up_standin(computer: orm.Computer, executable: Path | None) -> None:
    """Register code and placeholders of the stand-in, and print what they are not."""
    from aiida_mlhull.launching.doctor import standin

    code, news = standin.register_standin(computer, executable)
    family, uploaded = standin.upload_placeholders()
    click.echo(f"code {code.full_label}<{code.pk}>: {news}")
    click.echo(f"potential family {family}: {uploaded}")
    click.secho(f"{code.full_label} is {standin.WARNING}", fg="yellow", err=True)
