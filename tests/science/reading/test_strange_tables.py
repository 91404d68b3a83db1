"""Tables as other programs write them: other spellings of nothing, of lists and of names are read or named."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.errors import CrystalError, TableError
from aiida_mlhull.science.reading import read_candidates
from aiida_mlhull.science.reading.candidates import read_crystals
from aiida_mlhull.science.reading.columns import Columns, list_in
from aiida_mlhull.science.reading.properties import read_properties

CELL = np.diag([4.0, 4.1, 4.2])
SITES = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]
WORDS = ("", "NA", "-", "#N/A", "N/A", "null", "None", " nan ", "--", "?")


def table(**changes):
    """Three rows with a cell each, as lists of lists."""
    columns = {
        "material_id": ["a", "b", "c"],
        "lattice": [CELL.tolist()] * 3,
        "species": [["Ti", "N"], ["Zr", "N"], ["Hf", "N"]],
        "frac_coords": [SITES] * 3,
    }
    return columns | changes


def parquet(folder, **changes):
    pq.write_table(pa.table(table(**changes)), folder / "t.parquet")
    return folder / "t.parquet"


def csv(folder, write, **changes):
    columns = table(**changes)
    rows = ["\t".join(write(column[row]) for column in columns.values()) for row in range(3)]
    quoted = ["\n".join([",".join(columns), *(",".join(f'"{cell}"' for cell in row.split("\t")) for row in rows)])]
    (folder / "t.csv").write_text("\n".join(quoted) + "\n")
    return folder / "t.csv"


def as_json(value):
    return value if isinstance(value, str) else json.dumps(value).replace('"', "'")


def as_numpy(value):
    return value if isinstance(value, str) else str(np.asarray(value))


def as_repr(value):
    return value if isinstance(value, str) else repr(np.asarray(value)).replace("\n", " ")


@pytest.mark.parametrize("write", [as_json, as_numpy, as_repr, parquet])
def test_lists_are_read_however_they_are_written(tmp_path, write):
    path = parquet(tmp_path) if write is parquet else csv(tmp_path, write)
    candidates = read_candidates(path).candidates
    assert candidates.formulas.tolist() == ["TiN", "ZrN", "HfN"]
    np.testing.assert_allclose(candidates.crystals.lattices, [CELL] * 3)
    np.testing.assert_allclose(candidates.crystals.frac_coords[:2], SITES)


@pytest.mark.parametrize(
    "lattice", [[[4.0, 0, 0, 0], [4.0, 0], [0, 0, 4.0]], [[4.0, 0, 0], [0, 4.0, 0]], "oops", "[4. 0. ... 4.]", "[4, 0, 0"]
)  # fmt: skip
def test_a_cell_that_is_not_nine_numbers_is_a_row(tmp_path, lattice):
    if isinstance(lattice, str):
        path = csv(tmp_path, as_json, lattice=[CELL.tolist(), lattice, CELL.tolist()])
    else:
        path = parquet(tmp_path, lattice=[CELL.tolist(), lattice, CELL.tolist()])
    intake = read_candidates(path, bad_rows="leave_out")
    assert intake.candidates.ids.tolist() == ["a", "c"]
    assert intake.left_out.counts() == {"broken_lists": 1}


@pytest.mark.parametrize("items", [["Ti", "N"], [0.5, -1e-3, 2.0]])
def test_printed_lists_are_what_was_printed(items):
    numbers = not isinstance(items[0], str)
    for text in (json.dumps(items), repr(items), str(np.asarray(items)), repr(np.asarray(items))):
        assert list_in(text, numbers=numbers) == items


@given(st.text(max_size=40) | st.text("[]'\",. 0123456789eE-arryTiN\n", max_size=40), st.booleans())
def test_any_text_is_a_list_or_none(text, numbers):
    items = list_in(text, numbers=numbers)
    assert items is None or all(isinstance(item, float if numbers else str) for item in items)


@pytest.mark.parametrize(
    "columns",
    [
        {"volume_change": [0.1, -0.2, None]},
        {"volume_unit": ["A^3", "", "A^3"]},
        {"volume": [70.0, 71.0, 72.0], "volumetric_strain": [-1.0, 0.0, 1.0]},
        {"volumes_id": ["x", "y", "z"]},
        {"volume": ["I", "II", "III"]},
    ],
)
def test_columns_that_only_begin_with_volume_are_not_looked_at(tmp_path, columns):
    assert len(read_candidates(parquet(tmp_path, **columns)).candidates) == 3


@pytest.mark.parametrize("name", ["volume", "volume_relaxed", "Volume_per_atom_A3"])
def test_volumes_are_positive(tmp_path, name):
    with pytest.raises(CrystalError, match=f"zero, negative or missing {name}: b"):
        read_candidates(parquet(tmp_path, **{name: [1.0, -2.0, 3.0]}))


def test_two_columns_of_one_name_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text("formula,gap,gap\nTiN,1,2\n")
    with pytest.raises(TableError, match=r"t\.csv: several columns of one name: 'gap'"):
        read_properties(tmp_path / "t.csv", target="gap")
    doubled = pa.table([pa.array(["TiN"]), pa.array([1.0]), pa.array([2.0])], names=["formula", "gap", "gap"])
    pq.write_table(doubled, tmp_path / "t.parquet")
    with pytest.raises(TableError, match=r"several columns of one name: 'gap'"):
        read_properties(tmp_path / "t.parquet", target="gap")


@pytest.mark.parametrize("mark", [";", "\t"])
def test_columns_that_commas_do_not_separate(tmp_path, mark):
    (tmp_path / "t.csv").write_text(f"formula{mark}gap\nTiN{mark}1\n")
    with pytest.raises(TableError, match=re.escape(f"separated by {mark!r}: write commas")):
        read_properties(tmp_path / "t.csv", target="gap")


@pytest.mark.parametrize("word", WORDS)
def test_words_for_nothing_are_missing_numbers(tmp_path, word):
    (tmp_path / "t.csv").write_text(f"formula,gap\nTiN,0.5\nZrN,{word}\nNaN,1.5\n")
    with pytest.raises(TableError, match="1 of 3 rows: no finite gap: row-0000001.*--leave-out"):
        read_properties(tmp_path / "t.csv", target="gap")
    found = read_properties(tmp_path / "t.csv", target="gap", bad_rows="leave_out")
    assert found.rows.energies.tolist() == [0.5, 1.5]
    assert found.left_out.counts() == {"no_target": 1}


@pytest.mark.parametrize("word", ["3.2 eV", "<0.1", "1_000", "2.1(3)", "true", "0x10"])
def test_other_text_is_not_a_number(tmp_path, word):
    (tmp_path / "t.csv").write_text(f"formula,gap\nTiN,0.5\nZrN,{word}\nNaN,1.5\n")
    with pytest.raises(TableError, match="1 of 3 rows: text in gap that is not a number: row-0000001"):
        read_properties(tmp_path / "t.csv", target="gap")
    found = read_properties(tmp_path / "t.csv", target="gap", bad_rows="leave_out")
    assert found.left_out.counts() == {"not_a_number": 1}
    with pytest.raises(TableError, match="column gap should hold numbers: row 2"):
        Columns.read(tmp_path / "t.csv").floats("gap")


def test_numbers_of_other_kinds(tmp_path):
    path = parquet(
        tmp_path,
        energy=pa.array([Decimal("-9.1"), None, Decimal("2.5")]),
        kind=pa.array(["1", "2", "NA"]).dictionary_encode(),
    )
    columns = Columns.read(path)
    np.testing.assert_array_equal(columns.floats("energy"), [-9.1, np.nan, 2.5])
    np.testing.assert_array_equal(columns.floats("kind"), [1, 2, np.nan])
    with pytest.raises(TableError, match="lattice should hold numbers"):
        columns.floats("lattice")


BROKEN = {
    "missing": ({"lattice": [CELL.tolist(), None, CELL.tolist()]}, "broken_lists"),
    "flat": ({"lattice": [CELL.tolist(), np.zeros((3, 3)).tolist(), CELL.tolist()]}, "no_volume"),
    "not finite": ({"frac_coords": [SITES, [[0.0, 0, 0], [0, 0, float("nan")]], SITES]}, "not_finite"),
    "overlapping": ({"frac_coords": [SITES, [[0.0, 0, 0], [0, 0, 0.001]], SITES]}, "overlapping_atoms"),
    "unknown": ({"species": [["Ti", "N"], ["Qq", "N"], ["Hf", "N"]]}, "unknown_element"),
    "foreign": ({"formula": ["TiN", "TiO2", "HfN"]}, "formula_differs"),
    "words": ({"formula": ["TiN", "A2B", "HfN"]}, "formula_differs"),
}


@pytest.mark.parametrize(("changes", "reason"), BROKEN.values(), ids=BROKEN)
def test_what_is_learned_from_is_checked_as_candidates_are(tmp_path, changes, reason):
    path = parquet(tmp_path, gap=[1.0, 2.0, 3.0], **changes)
    with pytest.raises((CrystalError, TableError), match="1 of 3 rows.*: b"):
        read_properties(path, target="gap")
    found = read_properties(path, target="gap", bad_rows="leave_out")
    assert found.rows.energies.tolist() == [1.0, 3.0]
    assert found.rows.formulas.tolist() == ["NTi", "NHf"]
    assert found.left_out.counts() == {reason: 1} == read_crystals(path, bad_rows="leave_out").left_out.counts()


def test_traces_stay_in_compositions_of_properties(tmp_path):
    (tmp_path / "t.csv").write_text("composition,strength\nFe0.98Mn0.0005Nb0.0000616,1.0\nAl2O3,2.0\n")
    formula = read_properties(tmp_path / "t.csv", target="strength").rows.formulas[0]
    assert formula == "Mn625Fe1225000Nb77"  # 0.0005 : 0.98 : 0.0000616
