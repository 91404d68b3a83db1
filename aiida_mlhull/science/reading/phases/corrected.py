"""Energies as they are wanted: as they stand, without corrections, or corrected; and nothing corrected in part."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from aiida_mlhull.science.errors import MixedSchemesError, listed
from aiida_mlhull.science.reading.phases.entries import Loaded
from aiida_mlhull.science.reading.phases.mp2020 import Guesses, apply_mp2020, lacks_a_correction
from aiida_mlhull.science.reading.phases.resolution import Corrections
from aiida_mlhull.science.types.reasons import Reason


@dataclass
class Phases:
    """Rows of the table to come; by id what is wrong with them, and what was guessed."""

    ids: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    energies: list[float] = field(default_factory=list)
    refusals: dict[str, tuple[str, str]] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, formula: str, energy: float) -> None:
        """One row more."""
        self.ids.append(name)
        self.formulas.append(formula)
        self.energies.append(energy)


def check_corrections(name: str, loaded: Loaded, corrections: Corrections | None) -> None:
    """Refuse entries that are corrected in part, or not as ``corrections`` says.

    Whether an uncorrected entry lacks something is asked of the anions alone, which every such scheme
    corrects: elements and alloys have no correction in either case, and energies of r²SCAN need none.

    Raises:
        MixedSchemesError: naming the entries.
    """
    conventions = loaded.conventions
    corrected = [key for key in loaded.entries if conventions[key].corrected]
    corrected += list(loaded.raw) if corrections == "mp2020" else []
    asked = bool(corrected) or corrections == "included"
    bare = [
        key
        for key, entry in loaded.entries.items()
        if asked and not conventions[key].corrected and conventions[key].functional in {"PBE", ""}
        if lacks_a_correction(entry)
    ]
    if corrected and bare:
        raise MixedSchemesError(
            f"{name} mixes {len(corrected)} corrected entries ({listed(corrected, 3)}) with {len(bare)} that should "
            f"be corrected but are not ({listed(bare, 3)}): write all of them the same way"
        )
    if bare:
        raise MixedSchemesError(
            f"{name}: corrections are said to be included, but {len(bare)} entries that should have one have none: "
            f"{listed(bare)}; apply them ('mp2020'), or leave them out everywhere ('none')"
        )
    if corrected and corrections == "mp2020":
        raise MixedSchemesError(
            f"{name}: {len(corrected)} entries are corrected already: {listed(corrected)}; take them so ('included'), "
            f"or without ('none')"
        )


def phases_of(loaded: Loaded, *, corrections: Corrections | None, guesses: Guesses) -> Phases:
    """Ids, formulas and energies (eV/atom), corrected as asked for."""
    phases, raw = Phases(refusals=dict(loaded.refusals)), corrections == "none"
    for name, (formula, energy) in loaded.numbers.items():
        phases.add(name, formula, loaded.raw.get(name, energy) if raw else energy)
    names = list(loaded.entries)
    if corrections == "mp2020":
        outcome = apply_mp2020(loaded.entries.values())
        phases.refusals |= {names[i]: (Reason.REFUSED_BY_MP2020, words) for i, words in outcome.refusals.items()}
        phases.remarks |= {names[i]: words for i, words in outcome.remarks.items()}
        for index, words in outcome.open.items():
            if guesses == "keep":
                phases.remarks[names[index]] = f"guessed by the formula: {words}"
            else:
                phases.refusals[names[index]] = (Reason.GUESSED_ANIONS, words)
    for name, entry in loaded.entries.items():
        energy = entry.uncorrected_energy_per_atom if raw else entry.energy_per_atom
        phases.add(name, entry.composition.formula.replace(" ", ""), energy)
    for name in loaded.refusals:
        phases.add(name, "", np.nan)
    return phases
