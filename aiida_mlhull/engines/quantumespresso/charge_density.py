"""Charge densities from stage to stage: where the stage before has left one, and whether this one can start from it.

With ``startingpot = 'file'`` pw.x begins with the density in its folder instead of a sum of atoms'. It takes a density
of another cell and cutoff by its plane waves' order, but not one of other pseudopotentials or another number of spins.
"""

from __future__ import annotations

from typing import Final

from aiida import orm

from aiida_mlhull import names
from aiida_mlhull.calculations.espresso import espresso_step_of
from aiida_mlhull.engines.stage_before import calculation_before, clean, holds
from aiida_mlhull.science.espresso.outcome import LEFT_A_DENSITY

SAVED: Final = ("out", "aiida.save")
"""The folder below a calculation's own that pw.x saves to, as aiida-quantumespresso names it."""
DENSITY: Final = "charge-density.dat"


def density_to_start_from(
    cells: orm.Data, name: str, *, code: orm.AbstractCode, pseudos: dict[str, orm.Data], spins: int
) -> orm.RemoteData | None:
    """The folder with a charge density that a calculation can begin with; None to begin from atoms.

    Args:
        cells: what goes into the stage.
        name: of the candidate.
        code: pw.x.
        pseudos: of the calculation, by kind.
        spins: 1 or 2.
    """
    job = _job_before(cells, name)
    if job is None or job.computer != code.computer:
        return None
    before = {kind: job.inputs.pseudos[kind].md5 for kind in job.inputs.pseudos}
    if before != {kind: pseudo.md5 for kind, pseudo in pseudos.items()}:
        return None
    if int(job.inputs.parameters.get("SYSTEM").get("nspin", 1)) != spins:
        return None
    folder: orm.RemoteData = job.outputs.remote_folder
    return folder if holds(folder, "/".join(SAVED), DENSITY) else None


def let_go(cells: orm.Data, name: str) -> None:
    """Remove the folder that the stage before has left for this one, unless it was told to keep its files."""
    job = _job_before(cells, name)
    lane = None if job is None or job.caller is None else job.caller.caller
    if job is not None and lane is not None and not espresso_step_of(lane.inputs.stage).keep_files:
        clean(job)


def _job_before(cells: orm.Data, name: str) -> orm.CalcJobNode | None:
    """The calculation that the candidate's row in ``cells`` was read from, if it has left a density on purpose."""
    return calculation_before(
        cells, name, calculation=names.PW_CALCULATION, reader=names.READ_ESPRESSO, is_usable=_left_a_density
    )


def _left_a_density(job: orm.CalcJobNode) -> bool:
    return job.exit_status in LEFT_A_DENSITY and job.caller is not None and not job.caller.inputs.clean_workdir.value
