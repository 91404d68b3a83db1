"""Shards become one table; an empty result or an interruption leaves none."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from aiida_mlhull.science.errors import InputError, WireError
from aiida_mlhull.science.reading import read_candidates
from aiida_mlhull.science.tables.writing import Shard, write_shards
from aiida_mlhull.science.types import Candidates
from tests.science.real_crystals import mp_crystals


def shards(sizes, reasons=({},)):
    """Consecutive real crystals in shards of these sizes."""
    crystals, first = mp_crystals(), 0
    for number, size in enumerate(sizes):
        rows = np.arange(first, first + size)
        taken = crystals.take(rows)
        table = Candidates.from_rows(
            ids=[f"c{row:03d}" for row in rows],
            formulas=taken.reduced_formulas(),
            crystals=taken,
            protostructures=np.full(size, ""),
            origins=np.asarray([f"row {row}" for row in rows], dtype=np.str_),
        )
        yield Shard(table, Counter(reasons[number % len(reasons)]))
        first += size


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
def test_what_was_written_is_read_again(tmp_path, name):
    told = []
    written = write_shards(shards([5, 0, 3], [{"same_crystal": 2}]), tmp_path / name, progress=told.append)
    assert (written.candidates, written.left_out, written.drawn) == (8, Counter(same_crystal=6), 14)
    assert [shard.drawn for shard in told] == [7, 2, 5]
    found = read_candidates(tmp_path / name).candidates
    assert found.ids.tolist() == [f"c{row:03d}" for row in range(8)]
    np.testing.assert_array_equal(found.crystals.lattices, mp_crystals().take(np.arange(8)).lattices)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_empty_result_says_why_and_leaves_no_file(tmp_path):
    with pytest.raises(InputError, match="no candidate came of 10 draws: 8 known_composition, 2 unchanged"):
        write_shards(shards([0, 0], [{"known_composition": 4, "unchanged": 1}]), tmp_path / "out.parquet")
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_no_table_that_looks_whole(tmp_path):
    def interrupted():
        yield from shards([4])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(interrupted(), tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_where_nothing_can_be_written(tmp_path):
    with pytest.raises(WireError, match=r"\.parquet or \.csv"):
        write_shards(shards([1]), tmp_path / "out.cif")
    with pytest.raises(WireError, match="no folder"):
        write_shards(shards([1]), tmp_path / "none" / "out.csv")
