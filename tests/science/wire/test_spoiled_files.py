"""Files that were spoiled or made up end as valid data or as an error of ours; ``benchmarks/wire_fuzz.py`` looks for more."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aiida_mlhull.science.errors import IncompleteJobError, OutOfMemoryError, SettingsError, WeightsError, WireError
from aiida_mlhull.science.program.settings import PredictJob
from aiida_mlhull.science.types import Candidates, Labels, Predictions, References
from aiida_mlhull.science.types.strict import validated
from aiida_mlhull.science.wire import decode_ensemble, decode_member, decode_table, encode_table, foreign, tables
from aiida_mlhull.science.wire.folder import JobFolder, check_done
from aiida_mlhull.science.wire.rows import decode_columns, decode_rows
from benchmarks.wire_fuzz import example, kinds, outcome
from benchmarks.wire_fuzz import tables as sound_tables

EXAMPLES = 30


@pytest.mark.parametrize("kind", kinds())
def test_whatever_is_spoiled_is_data_or_an_error_of_ours(kind):
    assert outcome(kind, kinds()[kind].sound) == "data"
    outcomes = {outcome(kind, example(kind, 1, number)) for number in range(EXAMPLES)}
    assert outcomes - {"data"}, "nothing was spoiled"


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("ensemble", 24),  # a member's file is called 0
        ("fit_job", 84),  # settings are a number
        ("predict_job", 44),
        ("predict_job", 136),  # a table is read outside of the folder
        ("marker", 18),  # NaN
        ("decisions", 89),
    ],
)
def test_what_was_found_once(kind, number):
    assert outcome(kind, example(kind, 0, number)) != "data"


def packed(noun, **changed):
    """Parquet bytes of a sound table with other columns."""
    table = pq.read_table(pa.BufferReader(encode_table(sound_tables()[noun])))
    for name, column in changed.items():
        table = table.set_column(table.column_names.index(name), name, column(table.column(name)))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


def other(change):
    """A column whose values are changed as a list."""

    def changed(column):
        values = column.to_pylist()
        change(values)
        return pa.array(values, column.type)

    return changed


def moved(values):
    """A coordinate of the second crystal stands with the first: the flat numbers are the same."""
    values[0].append(values[1].pop(0))


@pytest.mark.parametrize(
    ("noun", "changes", "message"),
    [
        (Labels, {"crystals.frac_coords": other(moved)}, "don't have three coordinates each"),
        (Labels, {"crystals.frac_coords": other(lambda values: values[0].__setitem__(0, None))}, "missing"),
        (Labels, {"crystals.numbers": other(lambda values: values.__setitem__(0, None))}, "missing"),
        (Labels, {"energies": lambda column: column.cast(pa.string())}, "'energies' is of another type"),
        (References, {"formulas": other(lambda values: values.__setitem__(0, None))}, "1 texts of a column are missing"),
        (References, {"ids": other(lambda values: values.__setitem__(0, "\0"))}, "zero bytes"),
        (References, {"ids": lambda column: pa.array(range(len(column)))}, "'ids' is of another type"),
        (Predictions, {"members": lambda column: column.combine_chunks().flatten()[::2]}, "'members' is of another type"),
        (Candidates, {"origins": lambda column: column.cast(pa.binary())}, "a column of binary"),
    ],
)  # fmt: skip
def test_columns_of_another_kind(noun, changes, message):
    with pytest.raises(WireError, match=message):
        decode_table(noun, packed(noun, **changes))


def test_some_columns_and_rows_of_a_table_of_another_kind():
    content = packed(References, energies=lambda column: column.cast(pa.string()))
    with pytest.raises(WireError, match="'energies' is of another type"):
        decode_columns(References, content, ["energies"])
    with pytest.raises(WireError, match="'energies' is of another type"):
        decode_rows(References, content, [str(sound_tables()[References].ids[0])])


def test_kilobytes_that_claim_gigabytes_are_not_unpacked(monkeypatch):
    rows = 5_000_000
    same = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int8)), pa.array(["Ti"]))
    head = pq.read_schema(pa.BufferReader(encode_table(sound_tables()[References]))).metadata
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"ids": same, "formulas": same}).replace_schema_metadata(head), sink)
    content = bytes(sink.getvalue())
    assert len(content) < 30_000
    monkeypatch.setattr(foreign, "LARGEST", 1 << 26)
    monkeypatch.setattr(tables.pq.ParquetFile, "read", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(WireError, match="t would take 114 MiB of memory"):
        decode_table(References, content, name="t")


def test_one_long_text_doesnt_make_all_rows_long(monkeypatch):
    monkeypatch.setattr(foreign, "LARGEST", 1 << 20)
    with pytest.raises(WireError, match="a column of text would take 1 MiB"):
        decode_table(References, packed(References, ids=other(lambda values: values.__setitem__(-1, "z" * 30_000))))


def test_memory_that_is_not_there(monkeypatch):
    def full(*_, **__):
        raise pa.lib.ArrowMemoryError("malloc of size 999 failed")

    monkeypatch.setattr(tables.pq.ParquetFile, "read", full)
    with pytest.raises(OutOfMemoryError, match="t takes more memory than there is"):
        decode_table(References, encode_table(sound_tables()[References]), name="t")


DEEP = "[" * 100_000


def test_json_without_end(tmp_path):
    (tmp_path / "job.json").write_text(DEEP)
    with pytest.raises(WireError, match=r"job\.json is not valid JSON"):
        JobFolder(tmp_path).task()
    with pytest.raises(IncompleteJobError, match="broken"):
        check_done(DEEP, {})
    with pytest.raises(WeightsError, match="no description of an ensemble"):
        decode_ensemble({"ensemble.json": DEEP.encode()})


def test_weights_that_claim_more_than_they_hold():
    header = json.dumps({"a": {"dtype": "F64", "shape": [2**40, 2**20], "data_offsets": [0, 8]}}).encode()
    for length in (len(header), 2**63, 10**8):
        with pytest.raises(WeightsError, match="not a readable weights file"):
            decode_member(length.to_bytes(8, "little") + header + bytes(8))


@pytest.mark.parametrize("name", ["../outside.parquet", "/etc/passwd", "..", "a/b", "", "a\0b"])
def test_nothing_is_read_outside_of_the_folder(name):
    with pytest.raises(SettingsError, match="is not a file of the job's own folder"):
        validated(PredictJob, {"cells": {name: "Candidates"}}, what="job.json")


def test_whole_numbers_are_energies_too():
    table = replace(sound_tables()[References], energies=np.arange(len(sound_tables()[References])))
    assert decode_table(References, encode_table(table)).energies.dtype.kind == "i"
