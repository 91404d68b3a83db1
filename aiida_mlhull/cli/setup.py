"""``aiida-mlhull setup``: tell AiiDA where the programs are, and on request where something to rehearse VASP with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiida_mlhull.cli import profile, standin
from aiida_mlhull.launching.codes import LOCALHOST, PROGRAM, installed_program, register_code, register_localhost
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
        computer, news = register_localhost()
        click.echo(f"computer {computer.label}: {news}")
        code, news = register_code(computer, executable or installed_program())
    else:
        computer = _load_computer(computer_label)
        if executable is None:
            raise click.UsageError(f"say with --executable where {PROGRAM} is on {computer_label}")
        code, news = register_code(computer, executable)
    click.echo(f"code {code.full_label}<{code.pk}>: {news}")
    if with_standin:
        standin.set_up(computer, executable and executable.with_name(STANDIN))
    click.echo("Next: aiida-mlhull doctor")


def _load_computer(label: str) -> orm.Computer:
    from aiida import orm
    from aiida.common.exceptions import NotExistent

    try:
        return orm.load_computer(label)
    except NotExistent:
        known = orm.QueryBuilder().append(orm.Computer, project="label").all(flat=True)
        raise click.ClickException(
            f"no computer {label!r} in this profile; known: {', '.join(sorted(known)) or 'none'}. "
            f"Make one with 'verdi computer setup'"
        ) from None
