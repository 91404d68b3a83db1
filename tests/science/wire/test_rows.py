"""One row out of a table: the same row, and the same refusals, as from the whole."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.tables.summary import content_hash
from aiida_mlhull.science.types import Candidates, Labels, References
from aiida_mlhull.science.wire import decode_table, encode_table, tables
from aiida_mlhull.science.wire.rows import decode_columns, decode_row, decode_rows, take_rows
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


@pytest.fixture
def grouped(monkeypatch):
    """A table in row groups of seven rows, and as a whole."""
    monkeypatch.setattr(tables, "GROUP_ROWS", 7)
    record = every_sixth().record.take(range(40))
    return encode_table(record), record


def test_rows_of_many_groups_are_those_of_the_whole(grouped):
    content, record = grouped
    assert content_hash(decode_table(Labels, content)) == content_hash(record)
    for numbers in ([0], [6, 7], [39, 0, 13, 14, 20], [], range(40)):
        ids = record.ids[list(numbers)]
        assert content_hash(decode_rows(Labels, content, ids)) == content_hash(record.select(ids))
        assert content_hash(take_rows(Labels, content, numbers)) == content_hash(record.select(ids))
    assert decode_rows(Labels, content, ["", f"{record.ids[6]}a", "~"]).ids.tolist() == []
    for numbers in ([-1], [3, 40]):
        with pytest.raises(IndexError, match="has rows 0 to 39"):
            take_rows(Labels, content, numbers)


def test_only_groups_that_may_hold_an_id_are_read(grouped, monkeypatch):
    content, record = grouped
    read, groups = pq.ParquetFile.read_row_group, []
    monkeypatch.setattr(
        pq.ParquetFile,
        "read_row_group",
        lambda self, group, **named: groups.append(group) or read(self, group, **named),
    )
    decode_rows(Labels, content, record.ids[[8, 30]])
    assert sorted(set(groups)) == [1, 4]
