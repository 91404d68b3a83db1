"""A level from VASP's own files: one folder a candidate, ``vasprun.xml`` or ``OUTCAR``, packed or not."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.science.errors import WireError, listed
from aiida_mlhull.science.reading.levels.level import Level
from aiida_mlhull.science.reading.levels.level_structures import level_of_rows
from aiida_mlhull.science.reading.phases.vasp_runs import last_runs
from aiida_mlhull.science.reading.rows import StructureRow, refused
from aiida_mlhull.science.reading.sieve import BadRows
from aiida_mlhull.science.reading.warned import OPENERS, attempt, text_of
from aiida_mlhull.science.types.reasons import Reason, with_detail
from aiida_mlhull.science.units import SECONDS_PER_MINUTE

if TYPE_CHECKING:
    from pymatgen.core import Structure

OUTCARS: Final = tuple(f"OUTCAR{packing}" for packing in ("", *OPENERS))
_ELAPSED: Final = re.compile(r"Elapsed time \(sec\):\s*([\d.]+)")
_CORES: Final = re.compile(r"running\s+(?:on\s+)?(\d+)\s+(?:total cores|mpi-ranks)")
_CONVERGED: Final = "reached required accuracy"
_MOVES: Final = re.compile(r"NSW\s*=\s*(\d+)")


def holds_runs(folder: Path) -> bool:
    """Whether there are files of VASP's calculations in a folder."""
    return any(folder.rglob("vasprun*.xml*")) or any(folder.rglob("OUTCAR*"))


def read_level_runs(folder: Path, *, scheme: str, bad_rows: BadRows) -> Level:
    """The last calculation of every folder in a folder; ids are the folders' paths.

    Calculations whose steps ran out, and those that can't be read, are failures. Costs are the elapsed time times
    the cores, where an OUTCAR says them.

    Raises:
        WireError: if there are none, or some are links out of the folder.
        InputError: if none can be used.
    """
    runs: dict[Path, Path] = {path.parent: path for path in folder.rglob("OUTCAR*") if path.name in OUTCARS}
    inside = folder.resolve()
    outside = [str(path.relative_to(folder)) for path in runs.values() if not path.resolve().is_relative_to(inside)]
    if outside:
        raise WireError(f"{folder.name}: {len(outside)} files are links out of the folder: {listed(outside)}")
    runs |= last_runs(folder)
    rows = [_row(place, path, _name(place, folder)) for place, path in sorted(runs.items())]
    unread = [row.name for row in rows if row.structure is None]
    remarks = [f"{len(unread)} calculations that can't be read count as failed: {listed(unread)}"] if unread else []
    return level_of_rows(folder.name, rows, scheme=scheme, bad_rows=bad_rows, remarks=remarks)


def _name(place: Path, folder: Path) -> str:
    return place.relative_to(folder).as_posix() if place != folder else folder.resolve().name


def _row(place: Path, path: Path, name: str) -> StructureRow:
    reader = _from_outcar if path.name in OUTCARS else _from_vasprun
    read = attempt(partial(reader, path))
    cost = _cost(place)
    if read.value is None:
        return StructureRow(name, path.name, None, None, "", _facts(cost, with_detail(Reason.ENGINE_ERROR, read.fault)))
    structure, energy, failure = read.value
    if structure is None:
        return refused(name, path.name, Reason.UNREADABLE, read.detail)
    facts = _facts(cost, failure) | ({"energy_per_atom": energy} if energy is not None else {})
    return StructureRow(name, path.name, structure, None, "", facts)


def _facts(cost: float | None, failure: str) -> dict[str, Any]:
    return {"named": True, "failure": failure, "core_minutes": cost}


def _from_vasprun(path: Path) -> tuple[Structure | None, float | None, str]:
    from pymatgen.io.vasp import Vasprun  # noqa: PLC0415  (slow import)

    run = Vasprun(path, parse_dos=False, parse_eigen=False, parse_projected_eigen=False, parse_potcar_file=False)
    failure = ""
    if not run.converged_electronic:
        failure = Reason.NOT_CONVERGED_ELECTRONICALLY.value
    elif not run.converged_ionic:
        failure = Reason.NOT_CONVERGED_IONICALLY.value
    return run.final_structure, float(run.final_energy) / len(run.final_structure), failure


def _from_outcar(path: Path) -> tuple[Structure | None, float | None, str]:
    from io import StringIO  # noqa: PLC0415

    from ase.io import read  # noqa: PLC0415  (slow import)
    from pymatgen.io.ase import AseAtomsAdaptor  # noqa: PLC0415  (slow import)

    text = text_of(path)
    atoms: Any = read(StringIO(text), index=-1, format="vasp-out")
    structure: Structure = AseAtomsAdaptor.get_structure(atoms)
    moves = _MOVES.search(text)
    settled = _CONVERGED in text or not moves or int(moves[1]) == 0
    failure = "" if settled and _ELAPSED.search(text) else Reason.NOT_CONVERGED_IONICALLY.value
    return structure, float(atoms.get_potential_energy()) / len(atoms), failure


def _cost(place: Path) -> float | None:
    """Core-minutes, as OUTCAR says; None where there is none."""
    outcar = next((place / name for name in OUTCARS if (place / name).is_file()), None)
    if outcar is None:
        return None
    text = attempt(lambda: text_of(outcar)).value or ""
    seconds, cores = _ELAPSED.search(text), _CORES.search(text)
    return None if seconds is None else float(seconds[1]) * int(cores[1] if cores else 1) / SECONDS_PER_MINUTE
