"""The page on OPTIMADE is followed with a server on this machine, which holds the crystals that a clone brings."""

from __future__ import annotations

from collections import Counter
from functools import reduce
from importlib.util import find_spec
from math import gcd

import numpy as np
import pyarrow.parquet as pq
import pytest
from aiida import orm
from ase.io import write
from pymatgen.core import Lattice, Structure

from aiida_mlhull.data import ReferencesData
from tests.docs.following import Reader
from tests.docs.pages import ROOT
from tests.science.sources.optimade_server import entry, serving

PAGE = "docs/how-to/from-optimade.md"
ADDRESS = "http://127.0.0.1:51325"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("optimade") is None, reason="needs optimade[server], of the extra 'tests'"),
]


def crystal(row):
    """A row of MP-20 as a structure of a server."""
    counts = Counter(row["species"])
    share = reduce(gcd, counts.values())
    numbers = {element: counts[element] // share for element in sorted(counts)}
    lattice = np.reshape(row["lattice"], (3, 3))
    return entry(
        row["material_id"],
        row["species"],
        lattice.tolist(),
        (np.reshape(row["frac_coords"], (-1, 3)) @ lattice).tolist(),
        chemical_formula_reduced="".join(f"{e}{n if n > 1 else ''}" for e, n in numbers.items()),
        _mlt_formation_energy_per_atom=row["formation_energy_per_atom"],
    )


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """600 crystals and a solid solution."""
    rows = pq.read_table(ROOT / "benchmarks" / "data" / "mp20_excerpt.parquet").to_pylist()
    metals = {"name": "Ti", "chemical_symbols": ["Ti", "Zn"], "concentration": [0.5, 0.5]}
    oxygen = {"name": "O", "chemical_symbols": ["O"], "concentration": [1.0]}
    solution = entry(
        "solid-solution",
        ["Ti", "O"],
        [[0, 2.1, 2.1], [2.1, 0, 2.1], [2.1, 2.1, 0]],
        [[0, 0, 0], [2.1, 2.1, 2.1]],
        species=[metals, oxygen],
        structure_features=["disorder"],
    )
    with serving([crystal(row) for row in rows] + [solution], tmp_path_factory.mktemp("optimade")) as address:
        yield address


@pytest.mark.usefixtures("empty_profile")
def test_the_page_says_what_its_commands_say(address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nitride = Structure.from_spacegroup("Fm-3m", Lattice.cubic(4.24), ["Ti", "N"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    write("more.extxyz", nitride.to_ase_atoms())
    (tmp_path / "cifs").mkdir()
    nitride.to("cifs/TiN.cif")
    group, _ = orm.Group.collection.get_or_create("my structures")
    group.add_nodes(orm.StructureData(pymatgen=nitride).store())
    assert Reader(PAGE, tmp_path, words={ADDRESS: address}).follow()


@pytest.mark.usefixtures("empty_profile")
def test_references_are_taken_from_a_provider(address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = {"URL": address, "_oqmd_delta_e": "_mlt_formation_energy_per_atom", '"Ti","N"': '"Ce","Si"'}
    reader = Reader("docs/how-to/references.md", tmp_path, words=words, part="tests/docs/test_optimade_page.py")
    assert reader.follow() == 1
    (node,) = orm.QueryBuilder().append(ReferencesData).all(flat=True)
    rows = pq.read_table(ROOT / "benchmarks" / "data" / "mp20_excerpt.parquet").to_pylist()
    asked = {row["material_id"]: row["formation_energy_per_atom"] for row in rows if {*row["species"]} <= {"Ce", "Si"}}
    found = node.to_science()
    assert asked
    assert dict(zip(found.ids.tolist(), found.energies.tolist(), strict=True)).items() >= asked.items()
