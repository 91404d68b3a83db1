"""Tables come back from their bytes as they were: every column, every cell, with no row and with many."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.types import Candidates, Crystals, Decisions, Labels, Predictions, References
from aiida_mlhull.science.wire import decode_table, encode_table
from aiida_mlhull.science.wire.tables import indices_of, numbers_of, texts_of
from tests.science.real_crystals import mp_crystals

IDS = ["ünïcödé 晶", "a" * 300, "x\ty", "z\nq", " lead"]
BYTES_OF_HEADER = b"mlhull"


def tables(n):
    """One of every noun, with and without what is optional."""
    cells, numbers = mp_crystals().take(np.arange(n)), np.linspace(-1.0, 1.0, n)
    rows = {"ids": IDS[:n], "formulas": cells.reduced_formulas()}
    text, pairs = np.full(n, "x_text"), np.linspace(0.0, 1.0, 3 * n).reshape(n, 3)
    relaxed = {"core_minutes": numbers, "stage": "s", "engine": "e", "scheme": "x", "crystals": cells}
    return [
        References.from_rows(**rows, energies=numbers, source="ü", scheme="s"),
        Candidates.from_rows(**rows, crystals=cells, protostructures=text, origins=text),
        Candidates.from_rows(**rows, crystals=None, protostructures=text, origins=text),
        Labels.from_rows(**rows, **relaxed, energies=np.full(n, np.nan), failures=text),
        Labels.from_rows(**rows, **relaxed, energies=numbers, failures=np.full(n, ""), protostructures=text),
        Predictions.from_rows(**rows, members=pairs, member_aleatoric=pairs[:, ::-1], model="m"),
        Decisions.from_rows(
            **rows, keep=numbers > 0, reasons=text, values=numbers, thresholds=numbers, margins=numbers,
            scores=numbers, rule="r", round=3,
        ),
    ]  # fmt: skip


def flat(value):
    """Arrays of a column or of packed crystals."""
    return list(vars(value).values()) if isinstance(value, Crystals) else [np.asarray(value)]


@pytest.mark.parametrize("n", [0, 1, 5])
def test_every_noun_comes_back_as_it_was(n):
    for table in tables(n):
        content = encode_table(table)
        again = decode_table(type(table), content)
        for name in table.__dataclass_fields__:
            sent, read = getattr(table, name), getattr(again, name)
            assert type(sent) is type(read), name
            for one, other in zip(flat(sent), flat(read), strict=True):
                assert one.dtype.kind == other.dtype.kind, name
                np.testing.assert_array_equal(one, other, err_msg=name)
        assert encode_table(again) == content


def changed(content, **changes):
    """The same parquet file with another header."""
    packed = pq.read_table(pa.BufferReader(content))
    header = json.loads(packed.schema.metadata[BYTES_OF_HEADER]) | changes
    sink = pa.BufferOutputStream()
    pq.write_table(packed.replace_schema_metadata({BYTES_OF_HEADER: json.dumps(header)}), sink)
    return bytes(sink.getvalue())


def test_what_is_no_such_table_is_refused():
    content = encode_table(tables(2)[0])
    with pytest.raises(WireError, match="t has format version 99, this package reads 1"):
        decode_table(References, changed(content, version=99), name="t")
    with pytest.raises(WireError, match="t holds References, expected Labels"):
        decode_table(Labels, content, name="t")
    with pytest.raises(WireError, match="column 'source' of References is missing"):
        decode_table(References, changed(content, properties={"scheme": "s"}), name="t")
    with pytest.raises(WireError, match="truncated"):
        decode_table(References, content[:-10])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"ids": ["a"]}), sink)
    with pytest.raises(WireError, match="none of ours"):
        decode_table(References, bytes(sink.getvalue()))


def test_an_optional_column_may_have_come_after_the_table_was_written():
    content = encode_table(tables(2)[3])
    header = json.loads(pq.read_table(pa.BufferReader(content)).schema.metadata[BYTES_OF_HEADER])
    older = {name: value for name, value in header["properties"].items() if name != "protostructures"}
    assert decode_table(Labels, changed(content, properties=older)).protostructures is None


@given(
    st.sampled_from(["bool", "int8", "int16", "int32", "int64", "uint8", "float32", "float64"]),
    st.lists(st.integers(0, 100), max_size=40),
    st.integers(0, 40),
)
def test_numbers_are_those_that_arrow_gives_itself(kind, values, first):
    array = pa.array(np.asarray(values, dtype=kind)).slice(min(first, len(values)))
    found, wanted = numbers_of(array), array.to_numpy(zero_copy_only=False)
    assert found.dtype == wanted.dtype
    assert found.tolist() == wanted.tolist()
    assert found.flags["W"]


def test_numbers_with_gaps_are_left_to_arrow():
    assert np.isnan(numbers_of(pa.array([1.0, None]))[1])


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=20))
def test_texts_and_indices_are_those_that_arrow_makes_itself(values):
    assert texts_of(values).equals(pa.array(values, pa.string()))
    texts_of(values).validate(full=True)
    assert indices_of(np.arange(len(values))).equals(pa.array(range(len(values)), pa.int64()))


READS = """
import sys
from pathlib import Path
from aiida_mlhull.science.types import References
from aiida_mlhull.science.wire.rows import decode_row, decode_rows
content = Path(sys.argv[1]).read_bytes()
rows = decode_rows(References, content, ["b", "c"]), decode_row(References, content, "a")
assert decode_row(References, content, "c") is None
print(*(row.ids.tolist() for row in rows), "pandas" in sys.modules)
"""


def test_reading_doesnt_import_pandas(tmp_path):
    table = References.from_rows(ids=["a", "b"], formulas=["Ti", "N"], energies=[0.1, -0.3], scheme="x")
    (tmp_path / "table").write_bytes(encode_table(table))
    words = [sys.executable, "-c", READS, str(tmp_path / "table")]
    told = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    assert told.stdout.split() == ["['b']", "['a']", "False"]
