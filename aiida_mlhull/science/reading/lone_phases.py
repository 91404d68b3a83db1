"""Phases to be placed on the hull of others: a file that need not hold the elements."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.reading.candidates import AS_PUBLISHED
from aiida_mlhull.science.reading.columns import TABLE_SUFFIXES
from aiida_mlhull.science.reading.phases.phase_tables import FORMATION_COLUMNS, load_table
from aiida_mlhull.science.reading.phases.resolution import Corrections
from aiida_mlhull.science.reading.references import ReferenceIntake, from_loaded, load
from aiida_mlhull.science.representations.composition import NUMBERS, elements_of
from aiida_mlhull.science.types import References

EVERY_ELEMENT = tuple(NUMBERS)


def read_phases(
    path: Path,
    *,
    elsewhere: Iterable[str] = EVERY_ELEMENT,
    scheme: str = AS_PUBLISHED,
    corrections: Corrections | None = None,
    energy: str = "",
    formation: bool = False,
) -> ReferenceIntake:
    """Read phases whose elements may stand elsewhere.

    Args:
        path: what :func:`~aiida_mlhull.science.reading.references.read_references` takes.
        elsewhere: elements that need no phase of their own in the file.
        scheme: functional, settings and correction scheme of these energies.
        corrections: what becomes of computed entries' energies.
        energy: column of a table with the energies, in eV/atom; one of the usual names if empty.
        formation: the energies are formation energies.

    Raises:
        SettingsError: if a column is named and the file is not a table, or formation energies are asked of computed
            entries, which have total energies.
        MlhullError: see :func:`~aiida_mlhull.science.reading.references.read_references`.
    """
    if path.suffix not in TABLE_SUFFIXES and (energy or formation):
        raise SettingsError(f"{path.name}: columns and formation energies are of tables (.parquet, .csv)")
    wanted = (energy,) if energy else FORMATION_COLUMNS if formation else ()
    loaded = load_table(path, energies=wanted) if wanted else load(path)
    if corrections is None and loaded.entries:
        corrections = "auto"
    return from_loaded(path.name, loaded, scheme=scheme, corrections=corrections, elsewhere=frozenset(elsewhere))


def elements_at_zero(phases: References) -> References:
    """The elements of phases whose energies are formation energies: 0 eV/atom each."""
    elements = elements_of(phases.formulas.tolist())
    return References.from_rows(
        ids=[f"element:{element}" for element in elements],
        formulas=list(elements),
        energies=[0.0] * len(elements),
        source="elements at 0 eV/atom",
        scheme=phases.scheme,
    )
