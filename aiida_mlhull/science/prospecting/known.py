"""What prospecting starts from: a person's crystals with their energies, on one hull with known phases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from aiida_mlhull.science.ensembles.rows import elemental_mixtures
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.generators.parents import Parents, read_parents
from aiida_mlhull.science.hull import distances
from aiida_mlhull.science.reading.candidates import sound_rows
from aiida_mlhull.science.reading.columns import ENERGY_COLUMNS, TABLE_SUFFIXES, Columns
from aiida_mlhull.science.reading.phases.phase_tables import FORMATION_COLUMNS
from aiida_mlhull.science.reading.table_files import ID_COLUMNS
from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.types import References, concatenate
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Booleans

TOTAL_COLUMNS: Final = (*ENERGY_COLUMNS, "energy_per_atom")
"""eV/atom; the first that is there counts, and before all formation energies."""


@dataclass(frozen=True, eq=False)
class Known:
    """Crystals that are known.

    Attributes:
        crystals: n of them, with labels and their distances from the hull: those that the file states, else from that
            of ``references``.
        energies: (n,) eV/atom, in the references' scheme.
        references: known phases, the crystals among them.
        remarks: what was read and what was left out, a line each.
    """

    crystals: Parents
    energies: Floats
    references: References
    remarks: tuple[str, ...]


def read_known(path: Path, references: References) -> Known:
    """Read crystals with their energies, and put them on the hull of known phases and themselves.

    Args:
        path: a table with cells and a column of :data:`TOTAL_COLUMNS` (in the references' scheme) or of formation
            energies, which are put on the references' elements; or structures with energies.
        references: known phases, with an elemental reference for every element that counts.

    Raises:
        InputError: if there are no energies, or no crystal with one whose elements the references have.
        MlhullError: see :func:`~aiida_mlhull.science.generators.parents.read_parents`.
    """
    crystals, left_out = read_parents(path)
    column, stated = _energies(path)
    energies = np.asarray([stated.get(name, np.nan) for name in crystals.ids.tolist()])
    silent, strange = ~np.isfinite(energies), ~_elements_known(crystals, references)
    good = ~silent & ~strange
    if not good.any():
        raise InputError(f"{path.name}: no crystal has an energy, and elements that {references.source} has")
    counts = {"without an energy": int(silent.sum()), "with elements that the references lack": int(strange.sum())}
    crystals, energies = crystals.take(good), energies[good]
    remark = f"{crystals.source}: {len(crystals):,} crystals with energies ({column}); {left_out.summary()}"
    remark += "".join(f"; {count:,} {what}" for what, count in counts.items() if count)
    if column in FORMATION_COLUMNS:
        energies = energies + elemental_mixtures(crystals.formulas, references)
        remark += f"; formation energies stand on the elements of {references.source}"
    whole = _together(references, crystals, energies)
    computed = distances(crystals.formulas, energies, whole).e_above_hull
    # A table's own column comes from a fuller hull than that of the rows at hand.
    heights = np.where(np.isfinite(crystals.above_hull), crystals.above_hull, computed)
    return Known(replace(crystals, above_hull=heights), energies, whole, (remark,))


def _energies(path: Path) -> tuple[str, dict[str, float]]:
    """The column that energies are read from, and eV/atom by id."""
    if path.suffix.lower() in TABLE_SUFFIXES:
        columns = Columns.read(path)
        column = columns.first_of((*TOTAL_COLUMNS, *FORMATION_COLUMNS), what="energies")
        ids = columns.texts(columns.first_of(ID_COLUMNS, what="ids")).tolist()
        return column, dict(zip(ids, columns.floats(column).tolist(), strict=True))
    found, _ = sound_rows(path, bad_rows="leave_out")
    if found.energies is None:
        raise InputError(
            f"{path.name}: these structures have no energies, which members are to learn; a table has them in a column "
            f"{TOTAL_COLUMNS[0]} or {FORMATION_COLUMNS[0]}"
        )
    return "energies of the file", dict(zip(found.sieve.ids.tolist(), found.energies.tolist(), strict=True))


def _elements_known(crystals: Parents, references: References) -> Booleans:
    """(n,) whether the references have an elemental phase for every element of a crystal."""
    ends = {one.numbers[0] for one in distinct(references.formulas.tolist())[0] if len(one.numbers) == 1}
    compositions, which = distinct(crystals.formulas.tolist())
    return np.asarray([set(one.numbers) <= ends for one in compositions], dtype=bool)[which]


def _together(references: References, crystals: Parents, energies: Floats) -> References:
    """Known phases and crystals as one table; a crystal under a known phase's id is that phase."""
    new = ~references.has(crystals.ids)
    own = References(
        ids=crystals.ids[new], formulas=crystals.formulas[new], energies=energies[new], scheme=references.scheme
    )
    return replace(concatenate([references, own]), source=f"{references.source} + {crystals.source}")
