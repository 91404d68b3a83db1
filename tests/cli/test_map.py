"""Maps from the command line, of files that people have."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import run

A = np.linspace(4.0, 5.0, 15)
HALIDES = {"formula": [f"X{row}" for row in range(15)], "a": A, "gap": 9.0 - A, "kind": ["halite"] * 15}


@pytest.fixture
def files(tmp_path):
    known = {"a": A, "mass": 30 * np.sin(9 * A), "bond": A / 2 + 0.001 * np.cos(50 * A), "kind": ["halite"] * 15}
    pq.write_table(pa.table(known), tmp_path / "known.parquet")
    pq.write_table(pa.table(HALIDES), tmp_path / "halides.parquet")
    (tmp_path / "new.csv").write_text("formula,a,gap,kind\nin,4.8,4.9,halite\nout,7.0,2.0,halite\n")
    return tmp_path


def test_a_bond_length_is_estimated_and_drawn(files):
    result = run(
        "map", files / "halides.parquet", "--x", "gap", "--y", "bond", "--by", "kind",
        "--calibrate", files / "known.parquet", "--coarse", "a", "-o", files / "map.html",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "bond, estimated by Huber regression" in result.output
    assert "rows: 15 estimated" in result.output
    assert "15 of 15 rows on the map" in result.output
    line = next(line.split() for line in result.output.splitlines() if line.strip().startswith("halite"))
    assert float(line[2]) == pytest.approx(0.5, abs=0.01)
    assert (files / "map.html").read_text().startswith("<!doctype html>")


def test_candidates_in_new_territory_are_named(files):
    result = run(
        "map", files / "halides.parquet", "--x", "a", "--y", "gap", "--color", "gap",
        "--candidates", files / "new.csv", "--bins", 4, "-o", files / "map.png",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "candidates there: 1: in\n" in result.output
    assert "outside the range of the map: 1: out\n" in result.output
    assert (files / "map.png").read_bytes().startswith(b"\x89PNG")


def test_the_best_of_every_cluster(files):
    common = ("map", files / "halides.parquet", "--x", "a", "--y", "gap", "--best", "a", "-o", files / "map.svg")
    assert "--best needs --color" in run(*common).output
    result = run(*common, "--color", "gap")
    assert "best of every cluster: 4 of 15 rows" in result.output
    assert "4 of 4 rows on the map" in result.output


def test_what_is_wrong_is_said_in_one_line(files):
    table = files / "halides.parquet"
    assert (
        "halides.parquet: no column b; there are: formula, a, gap, kind"
        in run("map", table, "--x", "a", "--y", "b", "-o", files / "m.png").output
    )
    assert "known are .html" in run("map", table, "--x", "a", "--y", "gap", "-o", files / "m.doc").output
    missing = run("map", files / "none.parquet", "--x", "a", "--y", "gap", "-o", files / "m.png")
    assert missing.exit_code == 1
    assert "none.parquet" in missing.output
