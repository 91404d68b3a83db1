"""From what the processes left behind to the row of a candidate, and to rows of its ionic steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.dft.limits import unphysical
from aiida_mlhull.science.dft.rows import Reading, hopeless, step_rows
from aiida_mlhull.science.ensembles.rows import Cells, crystals_of
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Labels, References
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason, code_of
from aiida_mlhull.science.vasp.inputs import arranged
from aiida_mlhull.science.vasp.outcome import energy_of, judge
from aiida_mlhull.science.vasp.results import ENGINE, Result, computed_entry, correct, label
from aiida_mlhull.science.vasp.settings import VaspStep


@dataclass(frozen=True, eq=False)
class ParsedRun:
    """What was parsed of a candidate's last calculation.

    Attributes:
        misc: aiida-vasp's dictionary of small results; empty if there is none.
        incar: tags that the calculation ran with, lower case, after whatever its handlers changed.
        lattice: (3, 3) Å, after; None if no cell came out.
        frac_coords: (N, 3), after, sites in VASP's order.
    """

    misc: Mapping[str, Any]
    incar: Mapping[str, Any]
    lattice: Floats | None
    frac_coords: Floats | None


def read(
    row: Cells, account: Account, found: ParsedRun, *, step: VaspStep, stage: str, references: References | None = None
) -> Reading:
    """Judge one calculation.

    Args:
        row: the candidate alone, with the cell that went in.
        account: how its processes ended.
        found: what they gave.
        step: what was asked for.
        stage: name of the stage.
        references: known phases, for those steps that give up what lies too far above their hull.
    """
    before = crystals_of(row)
    structure, order = arranged(before.structure(0))
    moved = found.lattice is not None and found.frac_coords is not None
    static = not int(found.incar.get("nsw") or 0)
    lattice = found.lattice if moved else np.asarray(structure.lattice.matrix)
    coordinates = found.frac_coords if moved else np.asarray(structure.frac_coords)
    assert lattice is not None
    assert coordinates is not None
    failure = judge(account, found.misc, step, has_cell=moved or static)
    broken = unphysical(before.lattices[0], lattice, coordinates, limits=step.limits)
    if broken and (not failure or code_of(failure) == Reason.ENGINE_ERROR):
        failure = broken  # which is why the calculation came to grief
    result = Result(
        name=str(row.ids[0]),
        formula=str(row.formulas[0]),
        before=before,
        lattice=lattice,
        frac_coords=coordinates,
        order=order,
        energy=energy_of(found.misc),
        failure=failure,
        core_minutes=account.core_minutes,
        program=account.program,
    )
    entry = None
    if not result.failure:
        entry = computed_entry(result, found.incar, account.titles, data=_worth_keeping(result, found, stage=stage))
        refused = correct(entry, step) or hopeless(result.formula, entry.energy_per_atom, step.limits, references)
        if refused:
            result, entry = result.failed(refused), None
    return Reading(label(result, entry, stage=stage, scheme=step.full_scheme), entry)


def _worth_keeping(result: Result, found: ParsedRun, *, stage: str) -> dict[str, Any]:
    """What an entry's reader may ask: symmetry before and after, moments, steps, cost."""
    before, after = protostructures(result.before)[0], protostructures(result.after)[0]
    moments = _moments(found.misc, len(result.order))
    ordered: list[float] | None = None
    if moments is not None:
        placed = np.empty(len(moments))
        placed[result.order] = moments
        ordered = placed.tolist()
    steps = (found.misc.get("run_status") or {}).get("last_iteration_index")
    return {
        "stage": stage,
        "protostructure_before": str(before),
        "protostructure_after": str(after),
        "magnetic_moments": ordered,
        "ionic_steps": None if not steps else int(steps[0]),
        "core_minutes": result.core_minutes,
        "program": result.program or ENGINE,
    }


def _moments(misc: Mapping[str, Any], n_sites: int) -> Floats | None:
    """(N,) Bohr magnetons of the sites as VASP had them; None where they were not parsed."""
    sphere = ((misc.get("site_magnetization") or {}).get("sphere") or {}).get("x") or {}
    sites = sphere.get("site_moment") or {}
    ordered = sorted(sites.items(), key=lambda item: int(item[0]))
    return np.asarray([float(values["tot"]) for _, values in ordered]) if len(ordered) == n_sites else None


def ionic_steps(
    row: Cells, cells: Floats, frac_coords: Floats, energies: Floats, *, stage: str, scheme: str
) -> Labels | None:
    """Every ionic step of a calculation as a row, with ids ``CANDIDATE/STAGE/0000``.

    The cells are the ones that the energies belong to. A calculation of one step writes its cell twice and
    its energy once: what has no energy is left out. Energies are not corrected.

    Args:
        row: the candidate alone, with the cell that went in.
        cells: (T, 3, 3) Å.
        frac_coords: (T, N, 3), sites in VASP's order.
        energies: (T',) eV of the cell.
        stage: name of the stage.
        scheme: of uncorrected energies.
    """
    _, order = arranged(crystals_of(row).structure(0))
    count = min(len(cells), len(energies))
    coordinates = np.empty((count, len(order), 3))
    coordinates[:, order] = frac_coords[:count]
    return step_rows(row, cells[:count], coordinates, energies[:count], stage=stage, engine=ENGINE, scheme=scheme)
