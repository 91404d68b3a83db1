"""Tables of labels without cells: what is written is read again, and bad rows are named."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aiida_mlhull.science.errors import CrystalError, InputError, TableError
from aiida_mlhull.science.generators.base import GeneratorInput
from aiida_mlhull.science.generators.enumeration import Enumeration
from aiida_mlhull.science.reading.candidates import read_candidates, read_crystals
from aiida_mlhull.science.reading.label_tables import labels_alone
from aiida_mlhull.science.representations.protostructure import formula_of
from aiida_mlhull.science.tables.writing import write_shards

ROCK_SALT, RUTILE = "AB_cF8_225_a_b:Mg-O", "A2B_tP6_136_f_a:O-Ti"


def table(path, **columns):
    pq.write_table(pa.table({"id": ["b", "a"], "protostructure": [ROCK_SALT, RUTILE]} | columns), path)
    return path


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_what_a_generator_writes_without_cells_is_read_as_it_was(tmp_path, suffix):
    generator = Enumeration(Enumeration.Settings(space_groups=(216, 225), cells=False, max_sites=16))
    [shard] = generator.shards(GeneratorInput(formulas=("MgO",)))
    assert len(shard.candidates) > 1
    path = tmp_path / f"labels.{suffix}"
    write_shards([shard], path)
    read = read_candidates(path)
    assert read.candidates.crystals is None
    assert read.record is None
    for column in ("ids", "formulas", "protostructures", "origins"):
        assert getattr(read.candidates, column).tolist() == getattr(shard.candidates, column).tolist()


def test_the_composition_is_that_of_the_label(tmp_path):
    read = read_candidates(table(tmp_path / "t.parquet", score=[0.5, 0.25])).candidates
    assert dict(zip(read.ids.tolist(), read.formulas.tolist(), strict=True)) == {"a": "TiO2", "b": "MgO"}
    assert read.origins.tolist() == ["t.parquet row 2", "t.parquet row 1"]
    assert formula_of(RUTILE) == "O2Ti1"


def test_other_columns_go_along_in_the_order_of_the_candidates(tmp_path):
    read = read_candidates(table(tmp_path / "t.parquet", score=[0.5, 0.25]))
    assert read.beside is not None
    assert read.beside.to_pydict() == {"score": [0.25, 0.5]}


def test_a_table_with_cells_is_not_one_of_labels(tmp_path):
    assert labels_alone(table(tmp_path / "a.parquet")) is not None
    assert labels_alone(table(tmp_path / "b.parquet", lattice=[[1.0] * 9] * 2)) is None
    assert labels_alone(tmp_path / "c.cif") is None


def test_who_needs_cells_is_told_that_there_are_none(tmp_path):
    with pytest.raises(TableError, match="no column for cells"):
        read_crystals(table(tmp_path / "t.parquet"))


@pytest.mark.parametrize("wrong", ["", "MgO", "AB_cF8_225_a_b:Mg-Mg", "AB_cF8_999_a_b:Mg-O", "AB2_cF8_225_a_b:Mg-O"])
def test_rows_that_are_no_label_are_named_or_left_out(tmp_path, wrong):
    path = table(tmp_path / "t.parquet", id=["a", "b", "c"], protostructure=[ROCK_SALT, RUTILE, wrong])
    with pytest.raises(CrystalError, match="1 of 3 rows: protostructure labels that can't be read: c"):
        read_candidates(path)
    read = read_candidates(path, bad_rows="leave_out")
    assert read.candidates.ids.tolist() == ["a", "b"]
    assert read.left_out.counts() == {"unreadable": 1}


def test_a_formula_that_is_not_the_labels(tmp_path):
    with pytest.raises(TableError, match=r"formula is not the composition.*b \(formula CaO"):
        read_candidates(table(tmp_path / "t.parquet", formula=["CaO", "TiO2"]))
    with pytest.raises(InputError, match="a single candidate"):
        read_candidates(table(tmp_path / "t.parquet", formula=["CaO", "Ti2O4"]), bad_rows="leave_out")
