"""Tables of phases: a formula, an energy, and what they say of the calculation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import FormulaError, TableError, listed
from aiida_mlhull.science.reading.columns import ENERGY_COLUMNS, Columns
from aiida_mlhull.science.reading.phases.conventions import RUN_TYPE_KEYS, Convention, stated
from aiida_mlhull.science.reading.phases.entries import Loaded
from aiida_mlhull.science.representations.composition import reduce_formula

PHASE_FORMULAS: Final = ("reduced_composition", "reduced_formula", "sortedformula", "formula", "composition")
FORMATION_COLUMNS: Final = ("formation_energy_ev_per_atom", "formation_energy_per_atom", "e_form_ev_per_atom")
"""Where formation energies are said to be meant."""
PHASE_IDS: Final = ("structure_id", "id", "material_id", "entry_id")
COLLECTION_COLUMN: Final = "icsdnum"
"""Number of the entry in the Inorganic Crystal Structure Database; names phases where there is no id."""

CONVENTION_COLUMNS: Final = (*RUN_TYPE_KEYS, "is_hubbard", "thermo_type")
"""Columns that say how an energy was calculated."""


def load_table(path: Path, *, energies: Sequence[str] = ENERGY_COLUMNS) -> Loaded:
    """Every row's formula and energy; and its convention, where columns state it.

    Args:
        path: parquet or csv.
        energies: names of the column of energies (eV/atom); the first one that is there counts.

    Raises:
        WireError: if the file can't be read.
        TableError: on missing columns, or ids that are missing or come twice.
        MixedSchemesError: if a row contradicts itself.
    """
    columns = Columns.read(path)
    formulas = columns.texts(columns.first_of(PHASE_FORMULAS, what="compositions")).tolist()
    values = columns.floats(columns.first_of(energies, what="energies")).tolist()
    named = [name for name in PHASE_IDS if name in columns]
    ids = columns.texts(named[0]).tolist() if named else _numbered(columns, formulas)
    different, counts = np.unique(ids, return_counts=True)
    if "" in different:
        raise TableError(f"{path.name}: {ids.count('')} rows have no id")
    if (counts > 1).any():
        raise TableError(f"{path.name}: duplicate ids: {listed(different[counts > 1])}")
    numbers = dict(zip(ids, zip(formulas, values, strict=True), strict=True))
    return Loaded(numbers=numbers, conventions=conventions_in(columns, ids, formulas))


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


def conventions_in(columns: Columns, ids: list[str], formulas: list[str]) -> dict[str, Convention]:
    """What the columns of a table state of each row's calculation; nothing if there are none.

    Raises:
        MixedSchemesError: if a row contradicts itself.
    """
    there = {name: columns.texts(name).tolist() for name in CONVENTION_COLUMNS if name in columns}
    if not there:
        return {}
    conventions = {}
    for row, (name, formula) in enumerate(zip(ids, formulas, strict=True)):
        data = {key: _value(values[row]) for key, values in there.items()}
        conventions[name] = stated({}, data, name=name, elements=_elements(formula))
    return conventions


def _value(text: str) -> str | bool:
    return {"true": True, "false": False}.get(text.strip().casefold(), text)


def _elements(formula: str) -> tuple[str, ...]:
    try:
        return reduce_formula(formula).symbols if formula else ()
    except FormulaError:
        return ()
