"""Crystals with energies on a hull: formation energies and total ones say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

from aiida_mlhull.science.errors import InputError, TableError
from aiida_mlhull.science.prospecting import read_known
from aiida_mlhull.science.types import References

EXCERPT = Path(__file__).parents[3] / "benchmarks" / "data" / "mp20_excerpt.parquet"
COMMON = ("O", "In", "Sn", "Pd", "Li", "Ge", "Si", "Zn", "Ni", "La")
ENDS = {symbol: -1.0 - 0.3 * place for place, symbol in enumerate(COMMON)}


@pytest.fixture(scope="module")
def elements():
    return References.from_rows(
        ids=list(ENDS), formulas=list(ENDS), energies=list(ENDS.values()), source="ends", scheme="x"
    )


@pytest.fixture
def crystals(tmp_path):
    """Crystals of the excerpt: 9 with elements that the references have, and 20 with others."""
    whole = pd.read_parquet(EXCERPT)
    mine = whole[whole["species"].map(lambda sites: set(sites) <= set(ENDS))]
    path = tmp_path / "crystals.parquet"
    pd.concat([mine, whole.drop(mine.index).head(20)]).to_parquet(path)
    return path, mine


def test_formation_energies_are_put_on_the_elements(crystals, elements):
    path, mine = crystals
    known = read_known(path, elements)
    assert known.crystals.ids.tolist() == sorted(mine["material_id"])
    assert len(known.crystals) == 9
    rows = mine.set_index("material_id").loc[known.crystals.ids.tolist()]
    for row, energy in zip(rows.itertuples(), known.energies.tolist(), strict=True):
        parts = Composition(row.formula).fractional_composition
        mixture = sum(parts[symbol] * ENDS[symbol.symbol] for symbol in parts)
        assert energy == pytest.approx(row.formation_energy_per_atom + mixture)
    assert "20 with elements that the references lack" in known.remarks[0]
    assert known.references.scheme == "x"


def test_heights_are_pymatgens_over_elements_and_crystals(crystals, elements):
    known = read_known(crystals[0], elements)
    entries = [PDEntry(Composition(name), energy * Composition(name).num_atoms) for name, energy in ENDS.items()]
    own = [
        PDEntry(Composition(formula), energy * Composition(formula).num_atoms)
        for formula, energy in zip(known.crystals.formulas.tolist(), known.energies.tolist(), strict=True)
    ]
    diagram = PhaseDiagram([*entries, *own])
    np.testing.assert_allclose(known.crystals.above_hull, [diagram.get_e_above_hull(one) for one in own], atol=1e-8)


def test_total_energies_count_before_formation_energies_and_say_the_same(crystals, elements):
    path, _ = crystals
    known = read_known(path, elements)
    table = pd.read_parquet(path).set_index("material_id")
    totals = pd.Series(known.energies, known.crystals.ids)
    table["energy_per_atom"] = totals
    table["formation_energy_per_atom"] = 99.0
    table.reset_index().to_parquet(path)
    again = read_known(path, elements)
    np.testing.assert_allclose(again.energies, known.energies)
    assert "20 without an energy" in again.remarks[0]


def test_a_stated_distance_counts_before_the_hull_of_the_rows_at_hand(crystals, elements):
    path, _ = crystals
    table = pd.read_parquet(path)
    table["e_above_hull"] = 0.07
    table.to_parquet(path)
    assert set(read_known(path, elements).crystals.above_hull.tolist()) == {0.07}


def test_a_crystal_under_the_id_of_a_phase_is_that_phase(crystals, elements):
    path, mine = crystals
    first = min(mine["material_id"])
    phases = References.from_rows(
        ids=[*ENDS, first],
        formulas=[*ENDS, mine.set_index("material_id").loc[first, "formula"]],
        energies=[*ENDS.values(), -20.0],
        source="ends",
    )
    known = read_known(path, phases)
    assert len(known.references) == len(ENDS) + len(known.crystals)
    assert known.references.energies[known.references.positions([first])[0]] == -20.0


def test_structures_without_energies_and_foreign_elements_are_refused(tmp_path, elements):
    few = pd.read_parquet(EXCERPT).head(20)
    few.drop(columns="formation_energy_per_atom").to_parquet(tmp_path / "a.parquet")
    few.to_parquet(tmp_path / "b.parquet")
    with pytest.raises(TableError, match="no column for energies"):
        read_known(tmp_path / "a.parquet", elements)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "POSCAR_a").write_text(
        "MgO\n1.0\n0 2.1 2.1\n2.1 0 2.1\n2.1 2.1 0\nMg O\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n"
    )
    with pytest.raises(InputError, match="have no energies"):
        read_known(tmp_path / "folder", elements)
    only = References.from_rows(ids=["He"], formulas=["He"], energies=[0.0], source="helium")
    with pytest.raises(InputError, match="no crystal has an energy, and elements that helium has"):
        read_known(tmp_path / "b.parquet", only)
