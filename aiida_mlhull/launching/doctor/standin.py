"""The stand-in for VASP in an AiiDA profile: its code, and placeholders for potentials."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiida_mlhull.launching.codes import LOCALHOST, installed_program, register_code
from aiida_mlhull.science.not_vasp import NOT_VASP, PROGRAM
from aiida_mlhull.standin.link import SERVER

if TYPE_CHECKING:
    from aiida import orm

LABEL: Final = "vasp-standin"
PLUGIN: Final = "vasp.vasp"
START_SERVER: Final = f"export {SERVER}=${{{SERVER}:-start}}"
WARNING: Final = f"{NOT_VASP}: relaxes with a universal potential, to rehearse campaigns"


def register_standin(computer: orm.Computer, executable: Path | None = None) -> tuple[orm.AbstractCode, str]:
    """The stand-in's code on a computer, and what had to be done.

    On this machine its jobs start a server that keeps the potential loaded; elsewhere they use one if it is
    there, because a batch system may not like processes that outlive their job.

    Args:
        computer: where it runs.
        executable: its path there; beside the running Python if left out.
    """
    return register_code(
        computer,
        executable or installed_program(PROGRAM),
        label=LABEL,
        description=WARNING,
        default_calc_job_plugin=PLUGIN,
        prepend_text=START_SERVER if computer.label == LOCALHOST else "",
    )


def is_standin(code: orm.InstalledCode) -> bool:
    """Whether a code, whatever its label, is the stand-in."""
    return Path(code.filepath_executable).name == PROGRAM


def upload_placeholders() -> tuple[str, str]:
    """The family of placeholders for potentials, and what had to be done."""
    from aiida.manage import get_manager
    from aiida_vasp.data.potcar import PotcarData

    from aiida_mlhull.standin.potcars import FAMILY, potential_names, write_placeholders

    with tempfile.TemporaryDirectory() as folder, get_manager().get_profile_storage().transaction():
        write_placeholders(Path(folder), potential_names())
        _, added, _ = PotcarData.upload_potcar_family(
            folder, FAMILY, f"{WARNING}; holds no potentials", stop_if_existing=False
        )
    return FAMILY, f"{added} placeholders added" if added else "is there"
