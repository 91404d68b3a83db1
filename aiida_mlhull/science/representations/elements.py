"""What is known of the elements: tables that ship with the package, read once."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from aiida_mlhull.science.errors import CrystalError, listed
from aiida_mlhull.science.types.crystals import Floats

ATOM_FEATURES = 92
"""Width of CGCNN's atom features."""


@dataclass(frozen=True, eq=False)
class ElementTable:
    """Properties by atomic number; row 0 is empty, so that an atomic number is an index.

    Attributes:
        symbols: (119,).
        electronegativity: (119,), Pauling.
        row: (119,), period.
        group: (119,), 1 to 18; 3 for all lanthanides and actinides.
        covalent_radius: (119,), Å (Cordero 2008).
        mendeleev_number: (119,), Pettifor's chemical scale; 0 where there is none.
        atomic_volume: (119,), Å³, effective volume in compounds.
    """

    symbols: NDArray[np.str_]
    electronegativity: Floats
    row: Floats
    group: Floats
    covalent_radius: Floats
    mendeleev_number: Floats
    atomic_volume: Floats


def _rows(name: str) -> list[dict[str, str]]:
    text = files("aiida_mlhull.science.representations").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


@cache
def element_table() -> ElementTable:
    """The table of all 118 elements; its sources stand in the head of ``data/elements.csv``."""
    rows = _rows("elements.csv")

    def column(name: str) -> Floats:
        return np.asarray([0.0, *(float(row[name]) for row in rows)])

    return ElementTable(
        symbols=np.asarray(["", *(row["symbol"] for row in rows)], dtype=np.str_),
        electronegativity=column("electronegativity"),
        row=column("row"),
        group=column("group"),
        covalent_radius=column("covalent_radius"),
        mendeleev_number=column("mendeleev_number"),
        atomic_volume=column("atomic_volume"),
    )


@cache
def atom_features() -> NDArray[np.float32]:
    """(101, 92) CGCNN's one-hot atom features by atomic number; row 0 and unknown elements are zero.

    As published they don't tell La from Ce, Sm from Gd, Ho from Er, Th from Np, nor some actinides beyond
    plutonium: a network that reads nothing else takes these for one element.

    Source: Xie and Grossman, Phys. Rev. Lett. 120 (2018) 145301; see ``data/cgcnn_atom_features.csv``.
    """
    rows = _rows("cgcnn_atom_features.csv")
    table = np.zeros((len(rows) + 1, ATOM_FEATURES), dtype=np.float32)
    for number, row in enumerate(rows, start=1):
        table[number, [int(position) for position in row["ones"].split()]] = 1.0
    return table


def check_atom_features(numbers: NDArray[np.integer]) -> None:
    """Refuse elements that CGCNN's atom features don't know (those beyond fermium).

    Raises:
        CrystalError: naming them.
    """
    unknown = np.unique(numbers[numbers >= len(atom_features())])
    if len(unknown):
        symbols = element_table().symbols[unknown]
        raise CrystalError(f"elements without CGCNN atom features (known: H to Fm): {listed(symbols)}")


@cache
def element_embedding() -> NDArray[np.float32]:
    """(104, 200) Matscholar's word vectors of the elements by atomic number; row 0 is zero.

    Learned from three million abstracts, unit length. Source: Tshitoyan et al., Nature 571 (2019) 95, by way of
    ``matscholar200.json`` in aviary-models (MIT); H to Lr.
    """
    file = files("aiida_mlhull.science.representations").joinpath("data", "matscholar_elements.safetensors")
    vectors = load(file.read_bytes())["elements"]
    return np.concatenate([np.zeros_like(vectors[:1]), vectors])


def check_element_embedding(numbers: NDArray[np.integer]) -> None:
    """Refuse elements that Matscholar's table doesn't know (those beyond lawrencium).

    Raises:
        CrystalError: naming them.
    """
    unknown = np.unique(numbers[numbers >= len(element_embedding())])
    if len(unknown):
        symbols = element_table().symbols[unknown]
        raise CrystalError(f"elements without a Matscholar embedding (known: H to Lr): {listed(symbols)}")
