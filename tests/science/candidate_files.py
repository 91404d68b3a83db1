"""Small tables of crystals, written to files as other people would write them."""

from __future__ import annotations

import json
from copy import deepcopy

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

CUBE = [4.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 4.0]
LARGER = [4.4, 0.0, 0.0, 0.0, 4.4, 0.0, 0.0, 0.0, 4.4]
CESIUM_CHLORIDE = [0.0, 0.0, 0.0, 0.5, 0.5, 0.5]


def row(name, species, energy, coords=CESIUM_CHLORIDE):
    """A candidate that kept its symmetry and grew by 10 % when it was relaxed."""
    return {
        "structure_id": name,
        "energy_per_atom_ev": energy,
        "lattice_unrelaxed": list(CUBE),
        "species_unrelaxed": list(species),
        "frac_coords_unrelaxed": list(coords),
        "lattice_relaxed": list(LARGER),
        "species_relaxed": list(species),
        "frac_coords_relaxed": list(coords),
    }


@pytest.fixture
def rows():
    """Four sound rows, not in the order of their ids."""
    return [
        row("c-NaCl", ["Na", "Cl"], -3.2),
        row("a-KCl", ["K", "Cl"], -3.1),
        row("d-NaN", ["Na", "N"], -2.0),
        row("b-KN", ["N", "K"], -1.9),
    ]


@pytest.fixture
def damaged(rows):
    """Rows of which the second, ``a-KCl``, has its column set to something else."""

    def damage(**changes):
        changed = deepcopy(rows)
        changed[1].update(changes)
        return changed

    return damage


@pytest.fixture
def parquet(tmp_path):
    """Write rows to a parquet file."""

    def write(rows, name="pairs.parquet"):
        pa.parquet.write_table(pa.Table.from_pylist(rows), tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def csv(tmp_path):
    """Write rows to a csv file, lists as JSON."""

    def write(rows, name="pairs.csv"):
        texts = [
            {key: json.dumps(value) if isinstance(value, list) else str(value) for key, value in row.items()}
            for row in rows
        ]
        pa.csv.write_csv(pa.Table.from_pylist(texts), tmp_path / name)
        return tmp_path / name

    return write
