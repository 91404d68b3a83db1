"""Tables of substitutions travel as JSON."""

from __future__ import annotations

import json

import pytest

from aiida_mlhull.science.errors import TableError, WireError
from aiida_mlhull.science.generators.mining import mine_substitutions
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.wire import decode_substitutions, encode_substitutions
from tests.science.real_crystals import mp_crystals


@pytest.fixture(scope="module")
def table():
    return mine_substitutions(protostructures(mp_crystals()), smoothing=0.25, source="MP")


def test_round_trip(table):
    content = encode_substitutions(table)
    back = decode_substitutions(content)
    assert (back.elements, back.smoothing, back.n_crystals, back.n_kinds, back.source) == (
        table.elements,
        0.25,
        table.n_crystals,
        table.n_kinds,
        "MP",
    )
    assert (back.counts == table.counts).all()
    assert back.probabilities.tobytes() == table.probabilities.tobytes()
    assert encode_substitutions(back) == content


def changed(table, **values):
    return json.dumps(json.loads(encode_substitutions(table)) | values).encode()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"version": 2}, WireError, "format version 2"),
        ({"counts": "none"}, WireError, "truncated"),
        ({"elements": ["N", "Ti"]}, (WireError, TableError), "t.json|counts of shape"),
        ({"smoothing": -1}, TableError, "never negative"),
    ],
)
def test_what_is_no_table(table, change, error, message):
    with pytest.raises(error, match=message):
        decode_substitutions(changed(table, **change), name="t.json")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}'])
def test_truncated_files(content):
    with pytest.raises(WireError, match=r"t\.json is not a table of substitutions"):
        decode_substitutions(content, name="t.json")
