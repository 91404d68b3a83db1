"""Tables of any property, with and without cells."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aiida_mlhull.science.errors import CrystalError, FormulaError, TableError
from aiida_mlhull.science.reading.properties import read_properties


def written(folder, **columns):
    path = folder / "gaps.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def fractions(crystals, index):
    counts = crystals.element_counts(index)
    return {z: count / sum(counts.values()) for z, count in counts.items()}


def test_compositions_with_decimals(tmp_path):
    path = written(tmp_path, formula=["Hg0.7Cd0.3Te", "NaN", "NaCl"], band_gap_ev=[0.35, 1.0, 8.5])
    found = read_properties(path, target="band_gap_ev")
    assert not found.has_cells
    assert found.rows.ids.tolist() == ["row-0000000", "row-0000001", "row-0000002"]
    np.testing.assert_allclose(found.rows.energies, [0.35, 1.0, 8.5])
    assert fractions(found.rows.crystals, 0) == {80: 0.35, 48: 0.15, 52: 0.5}
    assert fractions(found.rows.crystals, 1) == {11: 0.5, 7: 0.5}
    assert found.summary().startswith(
        "gaps.parquet: 3 rows with band_gap_ev from 0.35 to 8.5, 3 compositions, no cells"
    )


def test_fine_formulas_are_rounded_to_a_thousandth(tmp_path):
    found = read_properties(written(tmp_path, formula=["Fe0.997O0.004"], x=[1.0]), target="x")
    assert found.rows.crystals.n_sites[0] <= 1000
    assert fractions(found.rows.crystals, 0)[26] == pytest.approx(0.996, abs=1e-3)


def test_cells_are_read_where_there_are_some(tmp_path):
    path = written(
        tmp_path,
        id=["b", "a"],
        formula=["NaCl", "W"],
        lattice=[[4.0, 0, 0, 0, 4, 0, 0, 0, 4], [3.0, 0, 0, 0, 3, 0, 0, 0, 3]],
        species=[["Na", "Cl"], ["W"]],
        frac_coords=[[0.0, 0, 0, 0.5, 0.5, 0.5], [0.0, 0, 0]],
        volume=[64.0, 27.0],
    )
    found = read_properties(path, target="volume")
    assert found.has_cells
    assert found.rows.ids.tolist() == ["a", "b"]
    np.testing.assert_allclose(found.rows.crystals.volumes, found.rows.energies)
    broken = pq.read_table(path).set_column(3, "species", pa.array([["Na"], ["W"]]))
    pq.write_table(broken, path)
    with pytest.raises(CrystalError, match="1 of 2 rows: the cell needs 9 cell numbers.*: b;"):
        read_properties(path, target="volume")


def test_bad_rows_are_named_or_left_out(tmp_path):
    path = written(tmp_path, formula=["NaCl", "Xx3", "W"], gap=[1.0, 2.0, float("nan")])
    with pytest.raises(TableError, match="1 of 3 rows: no finite gap: row-0000002"):
        read_properties(path, target="gap")
    found = read_properties(path, target="gap", bad_rows="leave_out")
    assert (len(found.rows), found.left_out.counts()) == (1, {"no_target": 1, "unreadable_formula": 1})
    with pytest.raises(FormulaError, match="Xx3"):
        read_properties(written(tmp_path, formula=["NaCl", "Xx3"], gap=[1.0, 2.0]), target="gap")
    with pytest.raises(TableError, match="no column for the target"):
        read_properties(path, target="band_gap")


def test_classes_are_numbered_in_their_order(tmp_path):
    path = written(tmp_path, formula=["NaCl", "Cu", "Si", "Ge"], kind=["10", " 9", "10", "x"])
    found = read_properties(path, target="kind", as_classes=True)
    assert found.classes == ("9", "10", "x")
    assert dict(zip(found.rows.formulas.tolist(), found.rows.energies.tolist(), strict=True)) == {
        "NaCl": 1.0, "Cu": 0.0, "Si": 1.0, "Ge": 2.0,
    }  # fmt: skip
    assert "4 rows of kind 9 (1), 10 (2), x (1), 4 compositions" in found.summary()


def test_truth_values_are_classes_and_rows_without_one_are_left_out(tmp_path):
    path = written(tmp_path, formula=["NaCl", "Cu", "Si"], metal=[False, True, None])
    with pytest.raises(TableError, match="1 of 3 rows: no finite"):
        read_properties(path, target="metal", as_classes=True)
    found = read_properties(path, target="metal", as_classes=True, bad_rows="leave_out")
    assert (found.classes, found.left_out.counts()) == (("False", "True"), {"no_target": 1})


@pytest.mark.parametrize("values", [["a"] * 3, [f"{number}" for number in range(101)]])
def test_one_class_or_very_many_are_none(tmp_path, values):
    path = written(tmp_path, formula=["NaCl"] * len(values), kind=values)
    with pytest.raises(TableError, match=f"has {len(set(values))} different values, which make no classes"):
        read_properties(path, target="kind", as_classes=True)
