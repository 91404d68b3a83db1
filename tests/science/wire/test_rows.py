"""One row out of a table: the same row, and the same refusals, as from the whole."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.types import Candidates, References
from aiida_mlhull.science.wire import encode_table
from aiida_mlhull.science.wire.rows import decode_row

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
