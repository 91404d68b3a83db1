"""Known phases from databases, with the energies that they state and the scheme of these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import numpy as np

from aiida_mlhull.science.errors import IncompleteAnswerError, InputError, MissingEndMembersError, listed
from aiida_mlhull.science.reading.phases.conventions import stated
from aiida_mlhull.science.reading.phases.documents import load_documents
from aiida_mlhull.science.reading.phases.entries import Loaded
from aiida_mlhull.science.reading.references import ReferenceIntake, from_loaded
from aiida_mlhull.science.representations.composition import NUMBERS, reduce_formula
from aiida_mlhull.science.sources.materials_project import ask, document_id
from aiida_mlhull.science.sources.optimade import Optimade
from aiida_mlhull.science.types.reasons import Reason

ThermoType = Literal["GGA_GGA+U", "GGA_GGA+U_R2SCAN", "R2SCAN"]
"""The Materials Project's hulls."""

FIELDS: Final = (
    "material_id",
    "thermo_type",
    "formula_pretty",
    "composition",
    "energy_per_atom",
    "uncorrected_energy_per_atom",
    "energy_type",
)
FUNCTIONAL_COLUMN: Final = re.compile(r"^_[a-z0-9]+_(?:.*_)?(run_type|functional|xc|xc_functional|thermo_type)$")
"""A provider's columns that say how energies were calculated."""


def systems_within(elements: Sequence[str]) -> list[str]:
    """A chemical system and the systems in it, as the Materials Project writes them.

    Raises:
        InputError: on symbols that aren't elements.
    """
    unknown = [symbol for symbol in elements if symbol not in NUMBERS]
    if unknown or not elements:
        raise InputError(f"unknown elements: {', '.join(unknown)}" if unknown else "no elements: name a system")
    symbols = sorted(set(elements))
    return ["-".join(part) for n in range(1, len(symbols) + 1) for part in combinations(symbols, n)]


def from_materials_project(
    elements: Sequence[str],
    *,
    thermo_type: ThermoType = "GGA_GGA+U",
    endpoint: str | None = None,
    partial: bool = False,
) -> ReferenceIntake:
    """All phases of a system in one of the Materials Project's hulls, with its energies.

    Args:
        elements: of the system.
        thermo_type: which hull; energies of PBE(+U) with the corrections MP2020 are those of CHGNet and of VASP at
            the project's settings.
        endpoint: of the API; the client's own if None.
        partial: whether fewer documents than the project lists are taken; they are left out with that reason.

    Raises:
        MissingExtraError: if the client isn't installed.
        InputError: if there is no key, or the project refuses the request.
        WireError: if the project can't be reached, or sends less than it lists.
    """
    query: dict[str, Any] = {"chemsys": systems_within(elements), "thermo_types": [thermo_type]}
    announced = {document_id(one) for one in ask("thermo", endpoint=endpoint, **query, fields=["material_id"])} - {""}
    documents = ask("thermo", endpoint=endpoint, **query, fields=list(FIELDS))
    documents = [{**one, "thermo_type": one.get("thermo_type") or thermo_type} for one in documents]
    name = f"Materials Project {'-'.join(sorted(set(elements)))} {thermo_type}"
    missing = sorted(announced - {document_id(one) for one in documents})
    if missing and not partial:
        raise IncompleteAnswerError(
            f"{name}: {len(missing)} of {len(announced)} documents that it lists don't come: {listed(missing)}; "
            f"--partial does without them"
        )
    if not documents:
        raise InputError(f"{name}: there are no phases")
    loaded = load_documents(name, documents)
    loaded.refusals.update(dict.fromkeys(missing, (Reason.NOT_SENT, "listed, but not among the documents")))
    return _complete(from_loaded(name, loaded), elements)


def from_optimade(
    source: Optimade, *, energy: str, scheme: str, per: Literal["atom", "cell"] = "atom", formation: bool = False
) -> ReferenceIntake:
    """Phases that a filter finds, with a provider's column as their energies.

    Args:
        source: asked for the columns that :func:`columns_for` names.
        energy: the column, eV/atom or eV a cell.
        scheme: of these energies, which no column of the standard states.
        per: what the energies are counted by.
        formation: whether they are formation energies: elements without a phase of their own are then at 0 eV/atom.

    Raises:
        InputError: if nothing can be used.
        MixedSchemesError: if by the provider's columns the energies are of several functionals.
        WireError: if the database can't be reached, or sends less than it announced.
    """
    loaded, elements = Loaded(), set[str]()
    with TemporaryDirectory() as folder:
        for portion in source.portions(Path(folder) / "phases.journal"):
            gone = portion.left_out
            for name, reason, detail in zip(gone.ids, gone.reasons, gone.details, strict=True):
                loaded.refusals[str(name)] = (str(reason), str(detail))
            if portion.candidates is None or portion.candidates.crystals is None:
                continue
            sites = np.diff(portion.candidates.crystals.offsets).tolist()
            rows = zip(portion.candidates.ids.tolist(), portion.candidates.formulas.tolist(), sites, strict=True)
            for row, (name, formula, atoms) in enumerate(rows):
                if name in loaded.numbers:
                    continue
                value = portion.values[energy][row]
                number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else np.nan
                loaded.numbers[name] = (formula, number / atoms if per == "cell" else number)
                symbols = reduce_formula(formula).symbols
                elements |= set(symbols)
                said = {column: portion.values[column][row] for column in portion.values if column != energy}
                words = {FUNCTIONAL_COLUMN.sub(r"\1", column): value for column, value in said.items()}
                loaded.conventions[name] = stated({}, words, name=name, elements=symbols)
    if not loaded.numbers and not loaded.refusals:
        raise InputError(f"{source.name}: nothing was found; does anything there match what was asked for?")
    if formation:
        ends = {reduce_formula(formula).symbols for formula, _ in loaded.numbers.values()}
        loaded.numbers.update({f"element:{symbol}": (symbol, 0.0) for symbol in elements if (symbol,) not in ends})
    return from_loaded(source.name, loaded, scheme=scheme)


def columns_for(energy: str, offered: Sequence[str]) -> tuple[str, ...]:
    """The column of energies, and those that say how they were calculated."""
    return (energy, *(name for name in offered if FUNCTIONAL_COLUMN.match(name) and name != energy))


def _complete(intake: ReferenceIntake, elements: Sequence[str]) -> ReferenceIntake:
    """The intake itself, if it has an elemental reference for every element.

    Raises:
        MissingEndMembersError: naming those that lack one.
    """
    there = {symbol for formula in intake.references.formulas.tolist() for symbol in reduce_formula(formula).symbols}
    lacking = sorted(set(elements) - there)
    if lacking:
        raise MissingEndMembersError(
            f"{intake.references.source}: no elemental reference for {', '.join(lacking)}; {intake.left_out.summary()}"
        )
    return intake
