"""Crystals with formation energies to measure on: the whole MP-20 table where it is at hand, else an excerpt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.types import Crystals, ModelRows
from aiida_mlhull.science.types.crystals import Floats
from benchmarks.places import find

TABLE = "materials_project/mp20_binary_ternary.parquet"
EXCERPT = Path(__file__).parent / "data" / "mp20_excerpt.parquet"
"""600 rows; sources in ``data/README.md``."""

COLUMNS = ("formation_energy_per_atom", "lattice", "species", "frac_coords")


@dataclass(frozen=True, eq=False)
class Measured:
    """n crystals.

    Attributes:
        crystals: in the order of the file.
        energies: (n,) formation energies, eV/atom.
        source: name of the file.
    """

    crystals: Crystals
    energies: Floats
    source: str

    def __len__(self) -> int:
        return len(self.energies)

    def first(self, rows: int | None) -> Measured:
        """The first so many, or all."""
        chosen = np.arange(len(self) if rows is None else min(rows, len(self)))
        return Measured(self.crystals.take(chosen), self.energies[chosen], self.source)

    def rows(self) -> ModelRows:
        """As a model reads them."""
        ids = np.asarray([f"{index:06d}" for index in range(len(self))])
        return ModelRows(
            ids=ids,
            formulas=np.asarray(self.crystals.reduced_formulas()),
            crystals=self.crystals,
            baselines=np.zeros(len(self)),
        )

    def split(self, sizes: tuple[int, int, int], *, seed: int) -> list[NDArray[np.int64]]:
        """Row numbers to train, validate and test on; sizes shrink in proportion where there are fewer rows."""
        share = min(1.0, len(self) / sum(sizes))
        borders = np.cumsum([int(size * share) for size in sizes])
        order = np.random.default_rng(seed).permutation(len(self))
        return np.split(order[: borders[-1]], borders[:-1])


def read_crystals(file: Path | None) -> Measured:
    """The crystals of a parquet file with the columns of MP-20; else MP-20 itself if it is there, or an excerpt."""
    chosen = file or find(TABLE) or EXCERPT
    table = pq.read_table(chosen, columns=list(COLUMNS)).to_pydict()
    numbers = {str(symbol): z for z, symbol in enumerate(element_table().symbols)}
    species = [[numbers[symbol] for symbol in sites] for sites in table["species"]]
    return Measured(
        crystals=Crystals.from_lists(table["lattice"], species, table["frac_coords"]),
        energies=np.asarray(table["formation_energy_per_atom"], dtype=np.float64),
        source=chosen.name,
    )
