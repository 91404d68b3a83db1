"""Points of a map: from tables, with one column estimated, and from a campaign's nouns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from aiida_mlhull.science.errors import InputError, TableError
from aiida_mlhull.science.maps.points import campaign_columns, read_points, shortest_bonds
from aiida_mlhull.science.reading.columns import Columns
from aiida_mlhull.science.types import Crystals, Decisions, Labels, Predictions

A = np.linspace(3.8, 3.9, 12)
C = 11.5 + np.sin(40 * A)
REFERENCE = Columns("known.parquet", pa.table({"a": A, "c": C, "apical": C / 4 - A / 8, "kind": ["T"] * 12}))
TABLE = Columns(
    "all.parquet",
    pa.table(
        {
            "formula": ["X", "Y", "Z"],
            "a": [3.85, 3.82, 9.0],
            "c": [C[6], C[3], 11.5],
            "t": [10.0, float("inf"), None],
            "kind": ["T", "T", ""],
        }
    ),
)


def test_a_column_that_only_the_reference_has_is_estimated():
    points, made = read_points(TABLE, x="a", y="apical", color="t", by="kind", reference=REFERENCE, coarse=["c", "a"])
    assert made.column == "apical"
    assert made.estimates.reasons.tolist()[2] == "no_reference"
    assert points.shown.tolist() == [True, True, False]
    assert points.y[0] == pytest.approx(C[6] / 4 - 3.85 / 8, abs=1e-3)
    assert np.isnan(points.color).tolist() == [False, True, True]
    assert points.families.tolist() == ["T", "T", "not stated"]
    assert points.names.tolist() == ["X", "Y", "Z"]


def test_what_cannot_be_made_sense_of_is_refused():
    with pytest.raises(TableError, match=r"all.parquet: no column y; there are: formula, a, c"):
        read_points(TABLE, x="a", y="y")
    with pytest.raises(InputError, match="--coarse"):
        read_points(TABLE, x="a", y="apical", reference=REFERENCE)
    with pytest.raises(InputError, match="lacks none of those that were named"):
        read_points(TABLE, x="a", y="c", reference=REFERENCE, coarse=["c"])
    with pytest.raises(TableError, match="should hold numbers"):
        read_points(TABLE, x="a", y="formula")


def test_the_shortest_bond_of_crystals_known_by_heart():
    salt = np.eye(3) * 5.64
    cells = Crystals.from_lists(
        [salt, np.eye(3) * 3.0, np.eye(3) * 9.0],
        [[11, 17], [84], [2]],
        [[0, 0, 0, 0.5, 0.5, 0.5], [0, 0, 0], [0, 0, 0]],
    )
    assert shortest_bonds(cells) == pytest.approx([5.64 * np.sqrt(3) / 2, 3.0, np.nan], nan_ok=True)


def test_a_campaign_is_a_table_of_what_was_relaxed_to_the_end():
    cells = Crystals.from_lists([np.eye(3) * a for a in (4.0, 5.0, 6.0)], [[11], [17], [19]], [[0, 0, 0]] * 3)
    common = {"ids": ["a", "b", "c"], "formulas": ["Na", "Cl", "K"]}
    labels = Labels.from_rows(
        **common, energies=np.asarray([-1.0, np.nan, -3.0]), crystals=cells, failures=["", "engine_error", ""],
        core_minutes=np.zeros(3), stage="last", engine="by hand", scheme="none",
    )  # fmt: skip
    zeros = np.zeros(3)
    outcomes = Decisions.from_rows(
        **common, keep=np.asarray([True, False, True]), reasons=["on_hull", "failed: engine_error", "above_hull"],
        values=np.asarray([0.0, 0.0, 0.2]), thresholds=zeros, margins=zeros, scores=zeros, rule="outcome",
    )  # fmt: skip
    said = Predictions.from_rows(
        ids=["c"], formulas=["K"], members=np.asarray([[-2.8, -3.0]]), member_aleatoric=np.zeros((1, 2))
    )
    table = campaign_columns(labels, outcomes, said, name="mine")
    assert table.texts("id").tolist() == ["a", "c"]
    assert table.texts("system").tolist() == ["Na", "K"]
    assert table.floats("e_above_hull").tolist() == [0.0, 0.2]
    assert table.floats("volume") == pytest.approx([64.0, 216.0])
    assert table.floats("predicted") == pytest.approx([np.nan, -2.9], nan_ok=True)
    assert table.floats("sigma") == pytest.approx([np.nan, 0.1], nan_ok=True)
    with pytest.raises(TableError, match="mine: no candidate was relaxed to the end"):
        campaign_columns(labels.take(~labels.succeeded), outcomes, None, name="mine")
