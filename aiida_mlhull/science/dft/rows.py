"""From a calculation to rows: the candidate's own, and one for every ionic step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aiida_mlhull.science.dft.limits import Limits
from aiida_mlhull.science.ensembles.rows import Cells, crystals_of
from aiida_mlhull.science.ensembles.steps import step_ids
from aiida_mlhull.science.hull import hull_energies
from aiida_mlhull.science.types import Crystals, Labels, References
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason, with_detail

if TYPE_CHECKING:
    from pymatgen.entries.computed_entries import ComputedStructureEntry


@dataclass(frozen=True, eq=False)
class Reading:
    """A candidate's row, and pymatgen's entry where it went well."""

    labels: Labels
    entry: ComputedStructureEntry | None


def hopeless(formula: str, energy: float, limits: Limits, references: References | None) -> str:
    """Why a candidate is given up for its energy; empty if it isn't.

    Args:
        formula: of the candidate.
        energy: eV/atom.
        limits: of the stage.
        references: known phases; None gives up none.
    """
    if limits.hopeless_above is None or references is None:
        return ""
    above = energy - float(hull_energies(np.asarray([formula]), references)[0])
    words = f"{above:.3f} eV/atom above the references' hull"
    return with_detail(Reason.HOPELESS_ENERGY, words) if above > limits.hopeless_above else ""


def step_rows(
    row: Cells, lattices: Floats, frac_coords: Floats, energies: Floats, *, stage: str, engine: str, scheme: str
) -> Labels | None:
    """Every ionic step of a calculation as a row, with ids ``CANDIDATE/STAGE/0000``; None if there is none.

    Args:
        row: the candidate alone, with the cell that went in.
        lattices: (T, 3, 3) Å.
        frac_coords: (T, N, 3), sites in the candidate's order.
        energies: (T,) eV of the cell.
        stage: name of the stage.
        engine: that calculated.
        scheme: of the energies.
    """
    count, numbers = len(energies), crystals_of(row).numbers
    if not count:
        return None
    crystals = Crystals(
        lattices=np.asarray(lattices, dtype=np.float64),
        offsets=np.arange(count + 1, dtype=np.int64) * len(numbers),
        numbers=np.tile(numbers, count),
        frac_coords=frac_coords.reshape(-1, 3),
    )
    return Labels(
        ids=np.asarray(step_ids(str(row.ids[0]), stage, count)),
        formulas=np.full(count, row.formulas[0]),
        energies=np.asarray(energies, dtype=np.float64) / len(numbers),
        crystals=crystals,
        failures=np.full(count, ""),
        core_minutes=np.zeros(count),
        stage=stage,
        engine=engine,
        scheme=scheme,
    )
