"""One calculation's result as pymatgen's entry and as a row of labels, energies corrected if asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aiida_mlhull.science.reading.phases.mp2020 import apply_mp2020
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Crystals, Labels
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.reasons import Reason, with_detail
from aiida_mlhull.science.vasp.settings import VaspStep

if TYPE_CHECKING:
    from pymatgen.entries.computed_entries import ComputedStructureEntry

ENGINE: Final = "vasp"


@dataclass(frozen=True, eq=False)
class Result:
    """What one calculation gave.

    Attributes:
        name: the candidate's id.
        formula: its reduced formula.
        before: one crystal: the cell that went in, sites in the candidate's order.
        lattice: (3, 3) Å, after.
        frac_coords: (N, 3), after, sites as VASP had them.
        order: (N,) site i of VASP is site ``order[i]`` of the candidate.
        energy: eV, of the cell; None where there is none.
        failure: one of the reasons that engines state, with a detail; empty if it went well.
        core_minutes: cost.
        program: what calculated it.
    """

    name: str
    formula: str
    before: Crystals
    lattice: Floats
    frac_coords: Floats
    order: Integers
    energy: float | None
    failure: str
    core_minutes: float
    program: str

    @property
    def after(self) -> Crystals:
        """One crystal: the cell that came out, sites in the candidate's order; the one that went in if it failed."""
        if self.failure:
            return self.before
        coordinates = np.empty_like(self.frac_coords)
        coordinates[self.order] = self.frac_coords
        return Crystals(self.lattice[None], self.before.offsets, self.before.numbers, coordinates)

    def failed(self, reason: str) -> Result:
        """The same calculation, not good for anything."""
        return replace(self, failure=reason)


def computed_entry(
    result: Result, incar: Mapping[str, Any], titles: Mapping[str, str], *, data: Mapping[str, Any]
) -> ComputedStructureEntry:
    """Pymatgen's entry, not corrected, with what correction schemes ask for.

    Args:
        result: of a calculation that went well.
        incar: the tags that it ran with, lower case.
        titles: element to the title of its potential, in the order of POTCAR.
        data: what else is worth keeping.
    """
    from pymatgen.entries.computed_entries import ComputedStructureEntry  # noqa: PLC0415  (slow import)

    assert result.energy is not None
    hubbards = hubbard_values(incar, list(titles))
    return ComputedStructureEntry(
        result.after.structure(0),
        result.energy,
        parameters={
            "run_type": run_type(incar, hubbards),
            "is_hubbard": bool(hubbards),
            "hubbards": hubbards,
            "potcar_spec": [{"titel": title, "hash": None} for title in titles.values()],
            "software": "vasp",
        },
        data=dict(data),
        entry_id=result.name,
    )


def run_type(incar: Mapping[str, Any], hubbards: Mapping[str, float]) -> str:
    """The functional as the Materials Project calls it: ``GGA`` is PBE."""
    metagga, gga = str(incar.get("metagga") or "").upper(), str(incar.get("gga") or "PE").upper()
    name = metagga if metagga not in {"", "NONE", "--"} else {"PE": "GGA", "PS": "PBEsol"}.get(gga, gga)
    return f"{name}+U" if hubbards else name


def hubbard_values(incar: Mapping[str, Any], elements: Sequence[str]) -> dict[str, float]:
    """Element to U - J (eV), for those that have one."""
    if not incar.get("ldau"):
        return {}
    zeros = [0.0] * len(elements)
    pairs = zip(elements, incar.get("ldauu", zeros), incar.get("ldauj", zeros), strict=True)
    return {element: float(u) - float(j) for element, u, j in pairs if float(u) != float(j)}


def correct(entry: ComputedStructureEntry, step: VaspStep) -> str:
    """Add what the step's scheme adds, in place.

    Returns:
        pymatgen's reason if it refuses; else empty.
    """
    if step.corrections == "none":
        return ""
    refusal = apply_mp2020([entry]).refusals.get(0, "")
    return with_detail(Reason.ENGINE_ERROR, f"MP2020 refused: {refusal}") if refusal else ""


def label(result: Result, entry: ComputedStructureEntry | None, *, stage: str, scheme: str) -> Labels:
    """The row of the stage's results.

    Args:
        result: of the calculation.
        entry: corrected; None where it failed.
        stage: name of the stage.
        scheme: of the energies.
    """
    after = result.after
    return Labels(
        ids=np.asarray([result.name]),
        formulas=np.asarray([result.formula]),
        energies=np.asarray([np.nan if result.failure or entry is None else entry.energy_per_atom]),
        crystals=after,
        failures=np.asarray([result.failure]),
        core_minutes=np.asarray([result.core_minutes]),
        protostructures=protostructures(after),
        stage=stage,
        engine=result.program or ENGINE,
        scheme=scheme,
    )
