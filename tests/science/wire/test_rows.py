"""One row out of a table: the same row, and the same refusals, as from the whole."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.tables.summary import content_hash
from aiida_mlhull.science.types import Candidates, Labels, References
from aiida_mlhull.science.wire import encode_table
from aiida_mlhull.science.wire.rows import decode_columns, decode_row, decode_rows
from tests.arsenides import every_sixth

TABLE = References(
    ids=np.asarray(["a", "b", "c"]),
    formulas=np.asarray(["Ti", "ZnN2", "Zn"]),
    energies=np.asarray([-7.9, -3.25, -1.2]),
    source="by hand",
    scheme="none",
)


@pytest.mark.parametrize("row", range(len(TABLE)))
def test_the_row_and_the_properties_of_the_whole_table(row):
    found = decode_row(References, encode_table(TABLE), str(TABLE.ids[row]))
    assert found is not None
    assert found.ids.tolist() == [TABLE.ids[row]]
    assert found.formulas.tolist() == [TABLE.formulas[row]]
    assert found.energies.tolist() == [TABLE.energies[row]]
    assert (found.source, found.scheme) == ("by hand", "none")


def test_ids_that_are_not_there():
    for identifier in ("", "aa", "d"):
        assert decode_row(References, encode_table(TABLE), identifier) is None


def test_other_nouns_and_truncated_files_are_refused():
    with pytest.raises(WireError, match="holds References, expected Candidates"):
        decode_row(Candidates, encode_table(TABLE), "b")
    with pytest.raises(WireError, match="phases is not a readable parquet file"):
        decode_row(References, encode_table(TABLE)[:200], "b", name="phases")


@pytest.mark.parametrize("wanted", [["c", "a"], ["b"], ["b", "x"], [], ["x"]])
def test_some_rows_are_those_that_are_taken_of_the_whole(wanted):
    found = decode_rows(References, encode_table(TABLE), wanted)
    expected = TABLE.select([name for name in wanted if name in "abc"])
    assert content_hash(found) == content_hash(expected)


def test_rows_with_cells():
    record = every_sixth().record
    wanted = record.ids[[40, 3, 17]]
    assert content_hash(decode_rows(Labels, encode_table(record), wanted)) == content_hash(record.select(wanted))
    one = decode_row(Labels, encode_table(record), str(record.ids[5]))
    assert content_hash(one) == content_hash(record.take([5]))


def test_some_columns():
    found = decode_columns(References, encode_table(TABLE), ["formulas", "energies"])
    assert {name: column.tolist() for name, column in found.items()} == {
        "formulas": TABLE.formulas.tolist(),
        "energies": TABLE.energies.tolist(),
    }
    with pytest.raises(WireError, match="column 'keep' of References is missing"):
        decode_columns(References, encode_table(TABLE), ["keep"])
    with pytest.raises(WireError, match="holds References, expected Candidates"):
        decode_columns(Candidates, encode_table(TABLE), ["ids"])
