"""Competing phases: the energies that every candidate is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.errors import FormulaError, SettingsError
from aiida_mlhull.science.hull import check_end_members
from aiida_mlhull.science.hull.index import GroundStates
from aiida_mlhull.science.reading.candidates import AS_PUBLISHED
from aiida_mlhull.science.reading.columns import TABLE_SUFFIXES, Columns
from aiida_mlhull.science.reading.entries import Corrections, Phases, read_json_phases, scheme_of
from aiida_mlhull.science.reading.sieve import BadRows, LeftOut, Sieve
from aiida_mlhull.science.representations.composition import distinct, reduce_formula
from aiida_mlhull.science.types import Candidates, References
from aiida_mlhull.science.types.reasons import Reason

FORMULA_COLUMNS: Final = ("reduced_composition", "reduced_formula", "sortedformula", "formula", "composition")
ENERGY_COLUMNS: Final = ("energy_ev_per_atom", "energy_per_atom_ev")
ID_COLUMNS: Final = ("structure_id", "id", "material_id", "entry_id")
COLLECTION_COLUMN: Final = "icsdnum"
"""Number of the entry in the Inorganic Crystal Structure Database; names phases where there is no id."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ReferenceIntake:
    """What came out of the files.

    Attributes:
        references: the competing phases and the elements.
        left_out: phases that can't be used.
    """

    references: References
    left_out: LeftOut

    def summary(self) -> str:
        """One line: phases read, used, left out and why."""
        used = len(self.references)
        read = used + len(self.left_out)
        return f"{self.references.source}: {read} phases read, {used} used; {self.left_out.summary()}"


def read_references(
    path: Path | str,
    *,
    elements: Path | str | None = None,
    bad_rows: BadRows = "refuse",
    scheme: str = AS_PUBLISHED,
    corrections: Corrections | None = None,
) -> ReferenceIntake:
    """Read competing phases and elemental references.

    Phases with an element that has no elemental reference can't be placed on a hull; they are left
    out and counted. Several phases of one composition are fine.

    Args:
        path: parquet or csv with a composition and ``energy_ev_per_atom`` (eV/atom), or pymatgen's
            computed entries as JSON.
        elements: JSON of element symbol to eV/atom, or to pymatgen's computed entry; None where the
            elements are among the phases of ``path``.
        bad_rows: whether phases whose formula or energy can't be used are an error, or left out and counted.
        scheme: functional, settings and correction scheme of all these energies.
        corrections: what becomes of computed entries' energies, and is added to ``scheme``; entries that
            the correction scheme refuses are left out. None takes them as they are.

    Raises:
        WireError: if a file can't be read or is empty.
        TableError: on missing columns, duplicate ids, energies that are not finite.
        MixedSchemesError: if only some of the entries are corrected, or not as ``corrections`` says.
        SettingsError: if corrections are asked for energies that are no computed entries.
        FormulaError: on formulas that can't be read.
    """
    path = Path(path)
    phases, source = _read(path, corrections=corrections), path.name
    if elements is not None:
        phases += read_json_phases(Path(elements), corrections=corrections)
        source += f" + {Path(elements).name}"
    sieve = _sifted(phases, source, expendable=bad_rows == "leave_out")
    good = np.flatnonzero(sieve.good)
    references = References.from_rows(
        ids=sieve.ids[good],
        formulas=[_reduced(phases.formulas[row]) for row in good.tolist()],
        energies=np.asarray(phases.energies, dtype=np.float64)[good],
        source=source,
        scheme=scheme if corrections is None else scheme_of(corrections, said=scheme if scheme != AS_PUBLISHED else ""),
    )
    return ReferenceIntake(references=references, left_out=sieve.left_out())


def relevant(references: References, candidates: Candidates) -> References:
    """The references that can matter to the candidates: made of elements of one candidate's system.

    Raises:
        MissingEndMembersError: if an element of a candidate has no elemental reference.
    """
    check_end_members(candidates.formulas.tolist(), references)
    known = GroundStates(references.formulas, references.energies)
    inside = np.zeros(len(known), dtype=bool)
    for system in {composition.numbers for composition in distinct(candidates.formulas.tolist())[0]}:
        inside[[known.elements[z] for z in system]] = True
        for start, stop in known.compounds_within(system):
            inside[start:stop] = True
    compositions, which = distinct(references.formulas.tolist())
    return references.take(inside[[known.row_of[composition] for composition in compositions]][which])


def _read(path: Path, *, corrections: Corrections | None) -> Phases:
    if path.suffix not in TABLE_SUFFIXES:
        return read_json_phases(path, corrections=corrections)
    if corrections is not None:
        raise SettingsError(f"{path.name}: corrections are for computed entries (.json); a table is taken as it is")
    return _from_columns(Columns.read(path))


def _sifted(phases: Phases, source: str, *, expendable: bool) -> Sieve:
    """Let the phases pass all checks; the sieve remembers those that can't be used."""
    ids = np.asarray(phases.ids, dtype=np.str_)
    formulas = np.asarray(phases.formulas, dtype=np.str_)
    sieve = Sieve(source, ids, formulas, expendable=np.full(len(ids), expendable))
    sieve.let_go(
        np.asarray([name in phases.refusals for name in phases.ids]),
        reason=Reason.REFUSED_BY_MP2020,
        details=np.asarray([phases.refusals.get(name, "") for name in phases.ids]),
    )
    systems = np.asarray([_elements_or_none(formula) for formula in phases.formulas], dtype=object)
    sieve.catch(
        np.asarray([system is None for system in systems]),
        reason=Reason.UNREADABLE_FORMULA,
        what="missing or unreadable formulas (sodium nitride, NaN, gets lost where tables pass through csv)",
        error=FormulaError,
        details=np.asarray([repr(formula) for formula in phases.formulas]),
    )
    sieve.catch(~np.isfinite(phases.energies), reason=Reason.NO_ENERGY, what="missing, NaN or infinite energies")
    _catch_strangers(sieve, systems)
    return sieve


def _catch_strangers(sieve: Sieve, systems: Any) -> None:
    """Leave out phases with elements that no elemental reference is there for; never an error by itself."""
    ends = {next(iter(system)) for system, good in zip(systems, sieve.good, strict=True) if good and len(system) == 1}
    lacking = [sorted(system - ends) if system else [] for system in systems]
    sieve.let_go(
        np.asarray([bool(elements) for elements in lacking]),
        reason=Reason.MISSING_END_MEMBERS,
        details=np.asarray([", ".join(elements) for elements in lacking]),
    )


def _elements_or_none(formula: str) -> frozenset[str] | None:
    try:
        return frozenset(reduce_formula(formula).symbols) if formula else None
    except FormulaError:
        return None


def _reduced(formula: str) -> str:
    """The formula as pymatgen writes it, so that all tables agree."""
    from pymatgen.core import Composition  # noqa: PLC0415  (slow import)

    composition = reduce_formula(formula)
    return Composition(dict(zip(composition.symbols, composition.counts, strict=True))).reduced_formula


def _from_columns(columns: Columns) -> Phases:
    formulas = columns.texts(columns.first_of(FORMULA_COLUMNS, what="compositions")).tolist()
    energies = columns.floats(columns.first_of(ENERGY_COLUMNS, what="energies")).tolist()
    named = [name for name in ID_COLUMNS if name in columns]
    return Phases(columns.texts(named[0]).tolist() if named else _numbered(columns, formulas), formulas, energies)


def _numbered(columns: Columns, formulas: list[str]) -> list[str]:
    """Ids from formula and collection number, with a running number where those repeat."""
    stems = formulas
    if COLLECTION_COLUMN in columns:
        numbers = columns.floats(COLLECTION_COLUMN)
        stems = [f"{f}_icsd{n:.0f}" if np.isfinite(n) else f for f, n in zip(formulas, numbers, strict=True)]
    seen: dict[str, int] = {}
    ids = []
    for stem in stems:
        seen[stem] = seen.get(stem, 0) + 1
        ids.append(f"phase:{stem}" if seen[stem] == 1 else f"phase:{stem}_{seen[stem]}")
    return ids
