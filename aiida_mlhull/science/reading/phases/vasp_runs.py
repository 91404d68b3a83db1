"""Finished VASP calculations, one a folder, as computed entries."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiida_mlhull.science.errors import WireError, listed
from aiida_mlhull.science.reading.phases.entries import Loaded, convention_of
from aiida_mlhull.science.reading.warned import attempt
from aiida_mlhull.science.types.reasons import Reason

if TYPE_CHECKING:
    from pymatgen.entries.computed_entries import ComputedEntry

RUNS: Final = "vasprun*.xml*"
_PACKED: Final = re.compile(r"^vasprun(?P<step>.*?)\.xml(?P<after>[\w.]*?)(\.gz|\.bz2|\.xz)?$")


def load_runs(folder: Path) -> Loaded:
    """The last calculation of every folder that holds ``vasprun.xml``, packed or not.

    Ids are the folders' paths. Calculations that can't be read, or whose steps ran out, are left out with a reason.

    Raises:
        WireError: if there are none, or some are links out of the folder.
        MixedSchemesError: if one contradicts itself.
    """
    last = last_runs(folder)
    if not last:
        raise WireError(f"{folder}: no {RUNS} in it; references are read from VASP's calculations, or from a file")
    loaded = Loaded()
    for place, path in sorted(last.items()):
        name = str(place.relative_to(folder)) if place != folder else folder.resolve().name
        run = attempt(partial(_entry, path, name))
        if run.value is None:
            loaded.refusals[name] = (Reason.BROKEN_ENTRY, f"{path.name} can't be read: {run.fault}")
            continue
        entry, converged = run.value
        if not converged:
            loaded.refusals[name] = (Reason.RUN_NOT_CONVERGED, path.name)
            continue
        loaded.entries[name] = entry
        loaded.conventions[name] = convention_of(entry)
    return loaded


def last_runs(folder: Path) -> dict[Path, Path]:
    """The last ``vasprun.xml`` of every folder in a folder.

    Raises:
        WireError: if some are links out of the folder.
    """
    inside = folder.resolve()
    files = sorted(path for path in folder.rglob(RUNS) if path.is_file() and _PACKED.match(path.name))
    outside = [str(path.relative_to(folder)) for path in files if not path.resolve().is_relative_to(inside)]
    if outside:
        raise WireError(f"{folder.name}: {len(outside)} files are links out of the folder: {listed(outside)}")
    return {path.parent: path for path in sorted(files, key=_order)}


def _order(path: Path) -> tuple[int, str]:
    """Later steps of a chain after earlier ones; a static calculation, and a file without a step, are the last."""
    match = _PACKED.match(path.name)
    step = f"{match['step']}{match['after']}".strip("._-") if match else ""
    return (2 if not step else 1 if "static" in step else 0, step)


def _entry(path: Path, name: str) -> tuple[ComputedEntry, bool]:
    from pymatgen.io.vasp import Vasprun  # noqa: PLC0415  (slow import)

    run = Vasprun(path, parse_dos=False, parse_eigen=False, parse_projected_eigen=False, parse_potcar_file=False)
    entry: ComputedEntry = run.get_computed_entry(inc_structure=True, entry_id=name)
    return entry, bool(run.converged)
