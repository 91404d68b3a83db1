"""Predictions held against the hull: one system worked by hand."""

import numpy as np
import pytest

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics.near_hull import near_hull
from aiida_mlhull.science.types import Crystals, Labels, Predictions, References

# Ti and N at 0; TiN at -1 makes the hull, Ti2N lies at -2/3 on the line between Ti and TiN.
REFERENCES = References.from_rows(ids=["n", "ti"], formulas=["N", "Ti"], energies=[0.0, 0.0], scheme="s")
IDS = ["a", "b", "c", "d"]
FORMULAS = ["TiN", "TiN", "Ti2N", "Ti2N"]
ENERGIES = [-1.0, -0.9, -0.5, np.nan]


def labels():
    cell = Crystals.from_lists([np.eye(3) * 5] * 4, [[22, 7], [22, 7], [22, 22, 7], [22, 22, 7]], [
        [[0, 0, 0], [0.5, 0.5, 0.5]], [[0, 0, 0], [0.5, 0.5, 0.5]],
        [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5]], [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5]],
    ])  # fmt: skip
    return Labels.from_rows(
        ids=IDS, formulas=FORMULAS, energies=ENERGIES, crystals=cell, failures=["", "", "", "out_of_time"],
        core_minutes=np.zeros(4), stage="final", engine="e", scheme="s",
    )  # fmt: skip


def predictions(*values):
    members = np.asarray(values, dtype=np.float64)[:, None]
    return Predictions(
        ids=np.asarray(IDS[: len(values)]),
        formulas=np.asarray(FORMULAS[: len(values)]),
        members=members,
        member_aleatoric=np.zeros_like(members),
    )


def test_by_hand():
    """True distances: a -0.1 (from b), b +0.1, c 2/3 - 1/2; predicted ones are off by the energy's error."""
    found = near_hull(predictions(-1.05, -1.2, -0.5, -9.0), labels(), REFERENCES)
    counts = found.confusion
    assert (counts.true_positives, counts.false_positives, counts.true_negatives, counts.false_negatives) == (
        1,
        1,
        1,
        0,
    )
    assert found.errors.mae == pytest.approx((0.05 + 0.3) / 3)
    order = found.curves[0.0]
    assert order.hits.tolist() == [0, 0, 1, 1]  # b at 0.1 - 0.3 comes before a at -0.1 - 0.05
    assert (order.total, order.candidates) == (1, 3)
    histogram = found.histogram
    assert int(histogram.true_positives.sum() + histogram.false_positives.sum() + histogram.true_negatives.sum()) == 3


def test_right_predictions_are_sorted_rightly():
    found = near_hull(predictions(-1.0, -0.9, -0.5), labels(), REFERENCES)
    assert (found.confusion.precision, found.confusion.recall) == (1.0, 1.0)
    assert found.curves[0.0].hits.tolist() == [0, 1, 1, 1]


def test_nothing_known_is_refused():
    only_failed = labels().take([3])
    with pytest.raises(TableError, match="none of the predicted rows"):
        near_hull(predictions(-1.0), only_failed, REFERENCES)
