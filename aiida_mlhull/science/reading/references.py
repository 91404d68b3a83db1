"""Competing phases: the energies that every candidate is measured against."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.errors import FormulaError, InputError, SettingsError, WireError, listed
from aiida_mlhull.science.hull import check_end_members
from aiida_mlhull.science.hull.index import GroundStates
from aiida_mlhull.science.reading.candidates import AS_PUBLISHED
from aiida_mlhull.science.reading.columns import TABLE_SUFFIXES
from aiida_mlhull.science.reading.phases.conventions import MIXED_THERMO, answer_needed, common
from aiida_mlhull.science.reading.phases.corrected import Phases, check_corrections, phases_of
from aiida_mlhull.science.reading.phases.documents import documents_in, load_documents, question
from aiida_mlhull.science.reading.phases.entries import Loaded, load_entries
from aiida_mlhull.science.reading.phases.mp2020 import Guesses
from aiida_mlhull.science.reading.phases.phase_tables import load_table
from aiida_mlhull.science.reading.phases.resolution import Corrections, resolved_scheme
from aiida_mlhull.science.reading.phases.shipped import shipped_phases
from aiida_mlhull.science.reading.phases.vasp_runs import load_runs
from aiida_mlhull.science.reading.sieve import BadRows, LeftOut, Sieve
from aiida_mlhull.science.reading.structures.json_files import load_json
from aiida_mlhull.science.representations.composition import NUMBERS, distinct, reduce_formula, stated_composition
from aiida_mlhull.science.schemes import UNCORRECTED, canonical, functional_named, same_scheme, scheme_of
from aiida_mlhull.science.types import Candidates, References
from aiida_mlhull.science.types.reasons import Reason

BROKEN: Final = {
    Reason.BROKEN_ENTRY: "entries that can't be understood",
    Reason.NO_ENERGY: "entries without an energy",
    Reason.NOT_A_NUMBER: "energies that are not numbers",
}
"""Faults of entries that are an error, unless bad rows are left out; and what they are called."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ReferenceIntake:
    """What came out of the files.

    Attributes:
        references: the competing phases and the elements.
        left_out: phases that can't be used.
        remarks: what pymatgen had to guess of phases that are used, in words, by id.
    """

    references: References
    left_out: LeftOut
    remarks: dict[str, str] = field(default_factory=dict)

    def summary(self) -> str:
        """One line: phases read, used, left out and why; and how many were corrected by a guess."""
        used = len(self.references)
        read = used + len(self.left_out)
        guessed = f"; {len(self.remarks)} corrected by a guess" if self.remarks else ""
        return f"{self.references.source}: {read} phases read, {used} used; {self.left_out.summary()}{guessed}"


def read_references(
    path: Path | str,
    *,
    elements: Path | str | None = None,
    bad_rows: BadRows = "refuse",
    scheme: str = AS_PUBLISHED,
    corrections: Corrections | None = None,
    only: str = "",
    guesses: Guesses = "leave_out",
) -> ReferenceIntake:
    """Read competing phases and elemental references.

    Phases with an element that has no elemental reference can't be placed on a hull; they are left
    out and counted. Several phases of one composition are fine.

    Args:
        path: parquet or csv with a composition and ``energy_ev_per_atom`` (eV/atom); pymatgen's computed entries,
            or documents of the Materials Project's API, as JSON; or a folder of VASP's calculations.
        elements: JSON of element symbol to eV/atom, or to pymatgen's computed entry; None where the
            elements are among the phases of ``path``.
        bad_rows: whether phases whose formula or energy can't be used are an error, or left out and counted.
        scheme: functional, settings and correction scheme of all these energies: an id
            (:mod:`~aiida_mlhull.science.schemes`), or words. What the file itself says is compared with it.
        corrections: what becomes of computed entries' energies; entries that the correction scheme refuses are
            left out. None takes them as they are.
        only: functional (``PBE``) or thermo type of the Materials Project (``GGA_GGA+U``) of the phases that are
            taken; others are left out.
        guesses: what becomes of entries without a structure where the correction depends on it.

    Raises:
        WireError: if a file can't be read or is empty.
        TableError: on missing columns, duplicate ids, energies that are not finite.
        MixedSchemesError: if the energies are of several functionals, with and without U, corrected only in part, or
            not what ``scheme`` and ``corrections`` say.
        SettingsError: if corrections are asked for energies that aren't computed entries.
        FormulaError: on formulas that can't be read.
        InputError: if only the user can say how the energies were made; the message asks.
    """
    path = Path(path)
    parts, source = [load(path)], path.name
    if elements is not None:
        parts.append(load(Path(elements)))
        source += f" + {Path(elements).name}"
    if corrections is not None and path.suffix in TABLE_SUFFIXES:
        raise SettingsError(f"{path.name}: corrections are for computed entries (.json); a table is taken as it is")
    loaded = parts[0] if len(parts) == 1 else parts[0] + parts[1]
    return from_loaded(
        source, loaded, bad_rows=bad_rows, scheme=scheme, corrections=corrections, only=only, guesses=guesses
    )


def read_shipped(name: str) -> ReferenceIntake:
    """Phases that come with the package; see :mod:`~aiida_mlhull.science.reading.phases.shipped`.

    Raises:
        UnknownNameError: if there are none of that name.
    """
    shipped = shipped_phases(name)
    with shipped.file() as path:
        return read_references(path, bad_rows="leave_out", scheme=shipped.scheme, corrections="mp2020")


def from_loaded(
    source: str,
    loaded: Loaded,
    *,
    bad_rows: BadRows = "leave_out",
    scheme: str = AS_PUBLISHED,
    corrections: Corrections | None = None,
    only: str = "",
    guesses: Guesses = "leave_out",
    elsewhere: frozenset[str] = frozenset(),
) -> ReferenceIntake:
    """References from what files or databases hold; see :func:`read_references`.

    Elements that stand ``elsewhere`` needn't be among them.
    """
    said = "" if scheme == AS_PUBLISHED else scheme
    loaded = _as_stated(_only(source, loaded, only) if only else loaded, said)
    if corrections == "auto":
        corrections = "included" if any(one.corrected for one in loaded.conventions.values()) else "mp2020"
        corrections = corrections if loaded.entries else None
    convention = common(source, loaded.conventions, corrections=corrections)
    if not said:
        _ask(source, loaded)
    check_corrections(source, loaded, corrections)
    text = resolved_scheme(source, said, convention=convention, corrections=corrections)
    phases = phases_of(loaded, corrections=corrections, guesses=guesses)
    sieve = _sifted(
        phases,
        source,
        texts=loaded.numbers.keys() - loaded.raw.keys(),
        expendable=bad_rows == "leave_out",
        elsewhere=elsewhere,
    )
    good = np.flatnonzero(sieve.good)
    ids = sieve.ids[good]
    references = References.from_rows(
        ids=ids,
        formulas=[_reduced(phases.formulas[row]) for row in good.tolist()],
        energies=np.asarray(phases.energies, dtype=np.float64)[good],
        source=source,
        scheme=text or canonical(scheme),
    )
    remarks = {name: phases.remarks[name] for name in ids.tolist() if name in phases.remarks}
    return ReferenceIntake(references=references, left_out=sieve.left_out(), remarks=remarks)


def relevant(references: References, candidates: Candidates, *, beside: Collection[str] = ()) -> References:
    """The references that can matter to the candidates: made of elements of one candidate's system.

    Args:
        references: known phases.
        candidates: what is screened.
        beside: other elements that may come in, with precursors.

    Raises:
        MissingEndMembersError: if an element of a candidate, or one beside them, has no elemental reference.
    """
    check_end_members([*candidates.formulas.tolist(), *beside], references)
    others = {NUMBERS[symbol] for symbol in beside}
    known = GroundStates(references.formulas, references.energies)
    inside = np.zeros(len(known), dtype=bool)
    systems = {composition.numbers for composition in distinct(candidates.formulas.tolist())[0]}
    for system in {tuple(sorted({*system, *others})) for system in systems}:
        inside[[known.elements[z] for z in system]] = True
        for start, stop in known.compounds_within(system):
            inside[start:stop] = True
    compositions, which = distinct(references.formulas.tolist())
    return references.take(inside[[known.row_of[composition] for composition in compositions]][which])


def load(path: Path) -> Loaded:
    """What a file or folder holds."""
    if path.is_dir():
        return load_runs(path)
    if path.suffix in TABLE_SUFFIXES:
        return load_table(path)
    content = load_json(path)
    if not content:
        raise WireError(f"{path.name}: no phases")
    documents = documents_in(content)
    if documents is not None:
        return load_documents(path.name, documents)
    alone = isinstance(content, dict) and {"composition", "energy"} <= content.keys()
    if isinstance(content, dict) and not alone:
        return load_entries(path.name, iter(content.items()))
    if not isinstance(content, dict | list):
        raise WireError(f"{path.name}: neither entries nor elements with their energies")
    return load_entries(path.name, iter(enumerate([content] if alone else content, 1)))


def _only(source: str, loaded: Loaded, only: str) -> Loaded:
    """Without what says that it is of another functional, or another of the Materials Project's hulls.

    Raises:
        InputError: if nothing is left.
    """
    named = functional_named(only)
    wanted = only if named is None else named.name
    conventions = loaded.conventions
    others = {
        key: one.thermo_type or one.run_type
        for key, one in conventions.items()
        if wanted not in {one.thermo_type, one.functional} and (one.thermo_type or one.functional)
    }
    if len(others) == len(conventions):
        kinds = sorted(set(others.values()))
        raise InputError(
            f"{source}: nothing of {only} in it; there is {listed(kinds) or 'nothing that says what it is'}"
        )
    refusals = {key: (Reason.OTHER_FUNCTIONAL, kind) for key, kind in others.items()}
    return replace(
        loaded,
        entries={key: entry for key, entry in loaded.entries.items() if key not in others},
        numbers={key: row for key, row in loaded.numbers.items() if key not in others},
        conventions={key: one for key, one in conventions.items() if key not in others},
        refusals=loaded.refusals | refusals,
    )


def _as_stated(loaded: Loaded, said: str) -> Loaded:
    """Plain numbers can't show their corrections: what the user states of them counts."""
    if loaded.raw or not said:
        return loaded
    mixed = MIXED_THERMO if same_scheme(said, "mp-mixed-r2scan") else ""
    corrected = scheme_of(said).corrections not in {"", UNCORRECTED}
    stated = {
        key: replace(one, corrected=corrected, thermo_type=one.thermo_type or mixed)
        for key, one in loaded.conventions.items()
        if key in loaded.numbers
    }
    return replace(loaded, conventions=loaded.conventions | stated)


def _ask(source: str, loaded: Loaded) -> None:
    """Ask what the energies don't say.

    Raises:
        InputError: with the question.
    """
    if loaded.raw and not any(one.thermo_type for one in loaded.conventions.values()):
        raise question(source)
    needed = answer_needed(source, loaded.conventions)
    if needed is not None:
        raise needed


def _sifted(
    phases: Phases, source: str, *, texts: Collection[str], expendable: bool, elsewhere: frozenset[str]
) -> Sieve:
    """Let the phases pass all checks; the sieve remembers those that can't be used.

    Args:
        phases: the rows.
        source: for messages.
        texts: ids of rows whose formulas are text that people wrote; those of entries and documents are amounts by element.
        expendable: whether faulty rows may be left out.
        elsewhere: elements whose references come from somewhere else.
    """
    ids = np.asarray(phases.ids, dtype=np.str_)
    formulas = np.asarray(phases.formulas, dtype=np.str_)
    sieve = Sieve(source, ids, formulas, expendable=np.full(len(ids), expendable))
    reasons = np.asarray([phases.refusals.get(name, ("", ""))[0] for name in phases.ids], dtype=np.str_)
    details = np.asarray([phases.refusals.get(name, ("", ""))[1] for name in phases.ids], dtype=np.str_)
    for reason, what in BROKEN.items():
        sieve.catch(reasons == reason, reason=reason, what=what, details=details)
    for reason in sorted(set(reasons.tolist()) - {"", *BROKEN}):
        sieve.let_go(reasons == reason, reason=reason, details=details)
    systems = np.full(len(ids), None, dtype=object)
    why = np.full(len(ids), "", dtype=object)
    for row, (name, formula) in enumerate(zip(phases.ids, phases.formulas, strict=True)):
        try:
            read = stated_composition(formula) if name in texts else reduce_formula(formula)
            systems[row] = frozenset(read.symbols)
        except FormulaError as error:
            why[row] = str(error)
    sieve.catch(
        why != "",
        reason=Reason.UNREADABLE_FORMULA,
        what="missing or unreadable formulas (sodium nitride, NaN, gets lost where tables pass through csv)",
        error=FormulaError,
        details=why.astype(np.str_),
    )
    sieve.catch(~np.isfinite(phases.energies), reason=Reason.NO_ENERGY, what="missing, NaN or infinite energies")
    _catch_strangers(sieve, systems, elsewhere=elsewhere)
    return sieve


def _catch_strangers(sieve: Sieve, systems: Any, *, elsewhere: frozenset[str]) -> None:
    """Leave out phases with elements that no elemental reference is there for; never an error by itself."""
    ends = {next(iter(system)) for system, good in zip(systems, sieve.good, strict=True) if good and len(system) == 1}
    ends |= elsewhere
    lacking = [sorted(system - ends) if system else [] for system in systems]
    sieve.let_go(
        np.asarray([bool(elements) for elements in lacking], dtype=bool),
        reason=Reason.MISSING_END_MEMBERS,
        details=np.asarray([", ".join(elements) for elements in lacking], dtype=np.str_),
    )


def _reduced(formula: str) -> str:
    """The formula as pymatgen writes it, so that all tables agree."""
    from pymatgen.core.composition import Composition  # noqa: PLC0415  (slow import)
    from pymatgen.core.composition import reduce_formula as written  # noqa: PLC0415

    composition = reduce_formula(formula)
    ordered, _ = written(dict(zip(composition.symbols, composition.counts, strict=True)))
    return str(Composition.special_formulas.get(ordered, ordered))
