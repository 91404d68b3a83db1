"""One entry of an OPTIMADE database as a crystal, or with the reason why it is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from aiida_mlhull.science.errors import FormulaError
from aiida_mlhull.science.reading.sieve import SMALLEST_VOLUME
from aiida_mlhull.science.representations.composition import NUMBERS, reduce_formula
from aiida_mlhull.science.sources.base import Row
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason

if TYPE_CHECKING:
    from pymatgen.core import Structure

CELL_FIELDS: Final = (
    "lattice_vectors",
    "cartesian_site_positions",
    "species",
    "species_at_sites",
    "structure_features",
    "dimension_types",
    "nperiodic_dimensions",
    "nsites",
    "chemical_formula_reduced",
    "elements",
)
NEEDED: Final = CELL_FIELDS[:4]
WHOLE: Final = 1e-6
"""How far a concentration may be from 1."""

PERIODIC: Final = 3
"""Directions in which a crystal repeats."""

WITHOUT_POSITIONS: Final = {
    "implicit_atoms": (Reason.IMPLICIT_ATOMS, "some atoms have no position"),
    "site_attachments": (Reason.ATTACHED_ATOMS, "sites stand for groups of atoms"),
    "unknown_positions": (Reason.IMPLICIT_ATOMS, "some positions are unknown"),
}
"""``structure_features`` of cells that lack atoms."""


class Species(BaseModel):
    """What a site may be occupied by.

    Attributes:
        name: that sites refer to.
        chemical_symbols: of its components.
        concentration: share of every component.
        attached: symbols of atoms that hang on the site without a position of their own.
        nattached: how many of each.
    """

    name: str
    chemical_symbols: list[str] = Field(min_length=1)
    concentration: list[float] = Field(min_length=1)
    attached: list[str] | None = None
    nattached: list[int] | None = None

    @property
    def hanging(self) -> str:
        """The attached atoms, in words; empty if there are none."""
        counts = self.nattached or [1] * len(self.attached or ())
        atoms = [(symbol, n) for symbol, n in zip(self.attached or (), counts, strict=False) if n]
        return ", ".join(f"{n} {symbol}" for symbol, n in atoms)


class Sites(BaseModel):
    """The part of an entry that says what is where.

    Attributes:
        species: all kinds of sites.
        species_at_sites: name of the kind, by site.
        structure_features: what readers have to know.
        dimension_types: 1 for every direction in which the structure repeats.
        nperiodic_dimensions: how many such directions there are.
        nsites: number of sites.
        chemical_formula_reduced: elements in alphabetical order.
        elements: symbols of all of them.
    """

    species: list[Species]
    species_at_sites: list[str] = Field(min_length=1)
    structure_features: list[str] | None = None
    dimension_types: list[int | None] | None = None
    nperiodic_dimensions: int | None = None
    nsites: int | None = None
    chemical_formula_reduced: str | None = None
    elements: list[str] | None = None

    def symbols(self) -> list[list[str]]:
        """The elements at every site; a kind that isn't described is its name."""
        known = {kind.name: kind.chemical_symbols for kind in self.species}
        return [known.get(name, [name]) for name in self.species_at_sites]


def row_of(entry: Mapping[str, Any]) -> Row:
    """The entry as a row; whatever it holds, this raises nothing.

    Args:
        entry: its attributes, and its ``id``.
    """
    values = {name: value for name, value in entry.items() if name not in CELL_FIELDS}
    name = str(entry["id"])
    broken = entry.get("broken")
    if broken:
        return Row(name, None, Reason.BROKEN_ENTRY, str(broken))
    lacking = [name for name in NEEDED if not entry.get(name)]
    if lacking:
        return Row(name, None, Reason.NO_CELL, f"without {', '.join(lacking)}", values)
    try:
        sites = Sites.model_validate({key: entry.get(key) for key in Sites.model_fields})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return Row(name, None, Reason.BROKEN_ENTRY, f"{where}: {first['msg'].lower()}", values)
    cell, positions = _numbers(entry["lattice_vectors"]), _numbers(entry["cartesian_site_positions"])
    refusal = _refusal(sites, cell, positions)
    if refusal is not None:
        return Row(name, None, *refusal, values)
    structure = _structure(sites, cell, positions)
    other = _contradiction(sites, structure)
    return Row(name, None, Reason.FORMULA_DIFFERS, other, values) if other else Row(name, structure, values=values)


def _contradiction(sites: Sites, structure: Structure) -> str:
    """What the entry says of its elements that the cell doesn't hold, in words; empty if nothing."""
    formula, there = sites.chemical_formula_reduced, {kind.symbol for kind in structure.composition.elements}
    if formula and not _agree(formula, structure):
        return f"{formula} there, {structure.composition.reduced_formula} in the cell"
    if sites.elements and set(sites.elements) != there:
        return f"elements {', '.join(sites.elements)} there, {', '.join(sorted(there))} in the cell"
    return ""


def attributes_of(entry: Any, *, place: str) -> dict[str, Any]:
    """``id`` and attributes of what a database sent as an entry; what is broken says so under ``broken``.

    Args:
        entry: one of the list ``data``.
        place: where it stands, which names it if it has no id.
    """
    if not isinstance(entry, Mapping):
        return {"id": place, "broken": f"a {type(entry).__name__} instead of an entry"}
    identifier = entry.get("id")
    named = isinstance(identifier, str | int) and str(identifier).strip() != ""
    name = str(identifier) if named else place
    attributes = entry.get("attributes")
    if attributes is None and any(key in entry for key in NEEDED):
        attributes = {key: value for key, value in entry.items() if key not in {"id", "type"}}
    if not isinstance(attributes, Mapping):
        return {"id": name, "broken": f"attributes: {type(attributes).__name__}"}
    broken = {} if named else {"broken": "without an id"}
    return {**attributes, "id": name, **broken}


def _refusal(sites: Sites, cell: Floats, positions: Floats) -> tuple[str, str] | None:
    """Reason and detail for what is not an ordered crystal; None for what is."""
    open_ends = cell.shape == (PERIODIC, 3) and bool(np.isnan(cell).all(axis=1).any())
    repeats = sites.nperiodic_dimensions if sites.dimension_types is None else sites.dimension_types.count(1)
    if open_ends or repeats not in {None, PERIODIC}:
        return Reason.NOT_PERIODIC, f"dimension_types {sites.dimension_types}, nperiodic_dimensions {repeats}"
    features = sites.structure_features or ()
    hanging = next((f"{kind.name}: {kind.hanging}" for kind in sites.species if kind.hanging), "")
    if hanging:
        return Reason.ATTACHED_ATOMS, hanging
    lacking = next((feature for feature in WITHOUT_POSITIONS if feature in features), None)
    if lacking is not None:
        return WITHOUT_POSITIONS[lacking]
    count = len(sites.species_at_sites)
    if sites.nsites is not None and sites.nsites != count:
        return Reason.BROKEN_LISTS, f"nsites is {sites.nsites}, but there are {count} sites"
    return _fault(cell, positions, count) or _mixture(sites)


def _fault(cell: Floats, positions: Floats, sites: int) -> tuple[str, str] | None:
    """Reason and detail for numbers that make no crystal; None if they do."""
    if cell.shape != (3, 3) or positions.shape != (sites, 3):
        return Reason.BROKEN_LISTS, f"a cell of shape {cell.shape}, positions of shape {positions.shape}"
    if not (np.isfinite(cell).all() and np.isfinite(positions).all()):
        return Reason.NOT_FINITE, "NaN, infinite or missing numbers"
    with np.errstate(over="ignore", invalid="ignore"):
        volume = abs(np.linalg.det(cell))
    if not np.isfinite(volume):
        return Reason.NOT_FINITE, "an infinite volume"
    return (Reason.NO_VOLUME, "zero volume of the cell") if volume < SMALLEST_VOLUME * sites else None


def _numbers(rows: Any) -> Floats:
    """Rows of numbers, NaN where null; without rows where they are something else."""
    try:
        return np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.empty(0)


def _mixture(sites: Sites) -> tuple[str, str] | None:
    """Reason and detail where a site is not occupied by one element."""
    species = {kind.name: kind for kind in sites.species}
    for name in sorted(set(sites.species_at_sites)):
        kind = species.get(name) or Species(name=name, chemical_symbols=[name], concentration=[1.0])
        symbols = kind.chemical_symbols
        full = abs(sum(kind.concentration) - 1) <= WHOLE
        if len(symbols) > 1 or not full or "assemblies" in (sites.structure_features or ()):
            return Reason.DISORDERED, f"{name}: {', '.join(symbols)}"
        if symbols[0] not in NUMBERS:
            return Reason.UNKNOWN_ELEMENT, symbols[0]
    return None


def _structure(sites: Sites, cell: Floats, positions: Floats) -> Structure:
    from pymatgen.core import Lattice, Structure  # noqa: PLC0415  (slow import)

    symbols = [there[0] for there in sites.symbols()]
    return Structure(Lattice(cell), symbols, positions, coords_are_cartesian=True)


def _agree(formula: str, structure: Structure) -> bool:
    """Whether the entry's own formula is the cell's; one that can't be read says nothing."""
    try:
        return reduce_formula(formula) == reduce_formula(structure.composition.formula.replace(" ", ""))
    except FormulaError:
        return True
