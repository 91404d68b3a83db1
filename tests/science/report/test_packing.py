"""What is packed comes out again, byte by byte."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode

import numpy as np
import pytest

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.report.packing import MAGIC, packed


def unpacked(text):
    """Columns read by the description of the format, without the code that packs them."""
    content = gzip.decompress(b64decode(text))
    assert content.startswith(MAGIC)
    size = int(np.frombuffer(content, "<u4", 1, 8)[0])
    header, body = json.loads(content[12 : 12 + size]), content[12 + size :]

    def array(entry):
        assert entry["at"] % 8 == 0
        return np.frombuffer(body, f"<{entry['type']}", entry["n"], entry["at"])

    columns = {}
    for name, entry in header["columns"].items():
        if entry["kind"] == "number":
            columns[name] = array(entry["values"])
        elif entry["kind"] == "words":
            columns[name] = np.asarray(entry["words"])[array(entry["codes"])]
        else:
            raw, ends = array(entry["bytes"]).tobytes(), array(entry["ends"]).tolist()
            columns[name] = np.asarray([raw[a:b].decode() for a, b in zip([0, *ends], ends, strict=False)])
    return columns


@pytest.mark.parametrize(
    "values",
    [
        np.asarray([0.5, np.nan, -3.25]),
        np.asarray([0, 255, 7]),
        np.asarray([0, 65535]),
        np.asarray([-1, 70000, 2_000_000_000]),
        np.asarray([True, False, True]),
        np.asarray(["b", "a", "b", "b"]),
        np.asarray(["<script>", "Å", "σ and 中", ""]),
        np.asarray([], dtype=np.float64),
        np.asarray([], dtype=np.str_),
    ],
    ids=lambda values: str(values.tolist())[:30],
)
def test_there_and_back(values):
    came = unpacked(packed({"some": values, "other": np.arange(5)}))
    np.testing.assert_array_equal(came["some"], values)
    np.testing.assert_array_equal(came["other"], np.arange(5))


def test_codes_of_words_sort_like_the_words():
    content = gzip.decompress(b64decode(packed({"word": np.asarray(["b", "a", "c", "a", "b", "c"])})))
    size = int(np.frombuffer(content, "<u4", 1, 8)[0])
    assert json.loads(content[12 : 12 + size])["columns"]["word"]["words"] == ["a", "b", "c"]


@pytest.mark.parametrize("values", [np.asarray([2**31]), np.asarray([1j])])
def test_what_does_not_fit_is_refused(values):
    with pytest.raises(TableError):
        packed({"some": values})


def test_the_same_columns_give_the_same_text():
    assert packed({"a": np.arange(9)}) == packed({"a": np.arange(9)})
