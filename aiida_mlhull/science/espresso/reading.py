"""From what the processes left behind to the row of a candidate, and to rows of its ionic steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.dft.limits import unphysical
from aiida_mlhull.science.dft.rows import Reading, hopeless, step_rows
from aiida_mlhull.science.ensembles.rows import Cells, crystals_of
from aiida_mlhull.science.espresso.fermi_level import Levels
from aiida_mlhull.science.espresso.inputs import scheme
from aiida_mlhull.science.espresso.outcome import energy_of, judge
from aiida_mlhull.science.espresso.pseudos import PseudoFamily
from aiida_mlhull.science.espresso.settings import EspressoStep
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Crystals, Labels, References
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason, code_of

if TYPE_CHECKING:
    from pymatgen.entries.computed_entries import ComputedStructureEntry

ENGINE: Final = "quantumespresso"


@dataclass(frozen=True, eq=False)
class ParsedPwRun:
    """What was parsed of a candidate's last calculation.

    Attributes:
        parameters: aiida-quantumespresso's ``output_parameters``; empty if there are none.
        lattice: (3, 3) Å, after; None if no cell came out.
        frac_coords: (N, 3), after, sites in the candidate's order.
        levels: states of the last self-consistent field; None if they were not parsed.
    """

    parameters: Mapping[str, Any]
    lattice: Floats | None
    frac_coords: Floats | None
    levels: Levels | None = None


def read(
    row: Cells,
    account: Account,
    parsed: ParsedPwRun,
    *,
    step: EspressoStep,
    family: PseudoFamily,
    stage: str,
    references: References | None = None,
) -> Reading:
    """Judge one calculation.

    Args:
        row: the candidate alone, with the cell that went in.
        account: how its processes ended.
        parsed: what they gave.
        step: what was asked for.
        family: of pseudopotentials.
        stage: name of the stage.
        references: known phases, for those steps that give up what lies too far above their hull.
    """
    before = crystals_of(row)
    after, moved = before, False
    if parsed.lattice is not None and parsed.frac_coords is not None:
        after = Crystals(parsed.lattice[None], before.offsets, before.numbers, parsed.frac_coords)
        moved = True
    left = moved or step.freedom == "static"
    failure = judge(account, parsed.parameters, step, has_cell=left, levels=parsed.levels)
    broken = unphysical(before.lattices[0], after.lattices[0], after.frac_coords, limits=step.limits)
    if broken and (not failure or code_of(failure) == Reason.ENGINE_ERROR):
        failure = broken  # which is why the calculation came to grief
    energy = energy_of(parsed.parameters)
    per_atom = np.nan if energy is None else energy / len(before.numbers)
    if not failure:
        failure = hopeless(str(row.formulas[0]), per_atom, step.limits, references)
    labels = Labels(
        ids=row.ids,
        formulas=row.formulas,
        energies=np.asarray([np.nan if failure else per_atom]),
        crystals=before if failure else after,
        failures=np.asarray([str(failure)]),
        core_minutes=np.asarray([account.core_minutes]),
        protostructures=protostructures(before if failure else after),
        stage=stage,
        engine=account.program or ENGINE,
        scheme=scheme(step, family),
    )
    return Reading(labels, None if failure else _entry(labels, row, account, parsed, energy))


def _entry(
    labels: Labels, row: Cells, account: Account, parsed: ParsedPwRun, energy: float | None
) -> ComputedStructureEntry:
    """Pymatgen's entry, not corrected: no published corrections fit these pseudopotentials."""
    from pymatgen.entries.computed_entries import ComputedStructureEntry  # noqa: PLC0415  (slow import)

    assert energy is not None
    assert labels.protostructures is not None
    before = protostructures(crystals_of(row))[0]
    return ComputedStructureEntry(
        labels.crystals.structure(0),
        energy,
        parameters={
            "software": ENGINE,
            "scheme": labels.scheme,
            "functional": parsed.parameters.get("dft_exchange_correlation"),
            "pseudos": dict(account.titles),
        },
        data={
            "stage": labels.stage,
            "protostructure_before": str(before),
            "protostructure_after": str(labels.protostructures[0]),
            "total_magnetization": parsed.parameters.get("total_magnetization"),
            "ionic_steps": parsed.parameters.get("number_ionic_steps"),
            "core_minutes": account.core_minutes,
            "program": labels.engine,
        },
        entry_id=str(labels.ids[0]),
    )


def ionic_steps(
    row: Cells, cells: Floats, positions: Floats, energies: Floats, *, stage: str, scheme: str
) -> Labels | None:
    """Every ionic step of a calculation as a row, with ids ``CANDIDATE/STAGE/0000``.

    After a relaxation of the cell pw.x calculates the last cell again with plane waves made for it: there is one
    energy more than there are cells. It takes the place of the last one, whose plane waves are the first cell's.

    Args:
        row: the candidate alone, with the cell that went in.
        cells: (T, 3, 3) Å.
        positions: (T, N, 3) Å, cartesian, sites in the candidate's order.
        energies: (T or T + 1,) eV of the cell.
        stage: name of the stage.
        scheme: of the energies.
    """
    count = min(len(cells), len(energies))
    values = np.array(energies[:count], dtype=np.float64)
    if count and len(energies) == len(cells) + 1:
        values[-1] = energies[-1]
    coordinates = np.einsum("tni,tij->tnj", positions[:count], np.linalg.inv(cells[:count]))
    return step_rows(row, cells[:count], coordinates, values, stage=stage, engine=ENGINE, scheme=scheme)
