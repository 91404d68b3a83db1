"""A campaign whose truth can be worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.hull import distances
from aiida_mlhull.science.metrics import campaign_scores, recall_curve, score_rules
from aiida_mlhull.science.types import Decisions, References


@pytest.fixture
def known():
    return References.from_rows(ids=["Li", "O"], formulas=["Li", "O"], energies=np.zeros(2))


@pytest.fixture
def truth():
    """LiO at -1 and Li3O at -0.6 span the hull; b is 20 meV above, c is a twin of a, e far off."""
    return References.from_rows(
        ids=["a", "b", "c", "d", "e"],
        formulas=["LiO", "LiO", "LiO", "Li3O", "LiO3"],
        energies=np.asarray([-1.0, -0.98, -1.0, -0.6, -0.1]),
    )


def test_everything_relaxed(truth, known):
    scores = campaign_scores(truth, known, relaxed=truth.ids, core_minutes=5.0)
    assert (scores.n_candidates, scores.n_relaxed, scores.n_trained_on) == (5, 5, 0)
    assert (scores.n_true_on_hull, scores.n_true_within_25mev) == (3, 4)
    assert (scores.recall_on_hull, scores.recall_25mev) == (1.0, 1.0)
    assert (scores.precision, scores.precision_25mev) == (0.6, 0.8)
    assert scores.hull_matches
    assert scores.hull_error_max_mev == 0.0
    assert scores.relaxations_saved_fraction == 0.0
    assert scores.core_minutes == 5.0


def test_a_part_relaxed(truth, known):
    scores = campaign_scores(truth, known, relaxed=["a", "b"], trained_on=["e"])
    assert (scores.n_relaxed, scores.n_trained_on) == (3, 1)
    assert scores.recall_on_hull == pytest.approx(1 / 3)
    assert scores.recall_25mev == 0.5
    assert scores.relaxations_saved_fraction == pytest.approx(0.4)
    assert not scores.hull_matches
    # Li3O is taken for a mixture of Li and LiO at -0.5 instead of -0.6; three compositions
    assert scores.hull_error_max_mev == pytest.approx(100.0)
    assert scores.hull_error_mean_mev == pytest.approx(100.0 / 3)


def test_twins_count_as_found_only_where_that_is_said(truth, known):
    scores = campaign_scores(truth, known, relaxed=["b", "a"], merged={"c": "d", "d": "a", "e": "c"})
    assert scores.recall_on_hull == pytest.approx(1 / 3)
    assert scores.recall_on_hull_merged == 1.0
    assert scores.n_relaxed == 2
    lost = campaign_scores(truth, known, relaxed=["b"], merged={"c": "d", "d": "c"})
    assert lost.recall_on_hull_merged == 0.0


def test_failures_are_spent_but_not_found(truth, known):
    scores = campaign_scores(truth, known, relaxed=["a", "d"], failed=["a"])
    assert scores.n_relaxed == 2
    assert scores.recall_on_hull == pytest.approx(1 / 3)
    assert scores.hull_error_max_mev == pytest.approx(1e3 * (1.0 - 0.6 * 2 / 3))


def test_precision_is_a_share_of_what_was_spent(truth, known):
    scores = campaign_scores(truth, known, relaxed=["a", "b", "d", "e"], failed=["d"])
    assert (scores.precision, scores.precision_25mev) == (0.25, 0.5)


def test_curve_ends_where_the_scores_are(truth, known):
    order = ["e", "b", "d", "a", "c"]
    curve = recall_curve(truth, known, order=order)
    assert curve.relaxed.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(curve.recall_on_hull, np.asarray([0, 0, 0, 1, 2, 3]) / 3)
    np.testing.assert_allclose(curve.recall_25mev, np.asarray([0, 0, 1, 2, 3, 4]) / 4)
    for stop in range(6):
        scores = campaign_scores(truth, known, relaxed=order[:stop])
        assert curve.hull_error_mean_mev[stop] == pytest.approx(scores.hull_error_mean_mev)
        assert curve.hull_error_max_mev[stop] == pytest.approx(scores.hull_error_max_mev)
    assert recall_curve(truth, known, order=order, points=3).relaxed.tolist() == [0, 2, 5]
    assert recall_curve(truth, known, order=order[:2]).relaxed.tolist() == [0, 1, 2]


def test_nothing_to_find_is_no_recall_of_zero(known):
    high = References.from_rows(ids=["x"], formulas=["LiO"], energies=[0.5])
    curve = recall_curve(high, known, order=["x"])
    assert np.isnan([curve.recall_on_hull, curve.recall_25mev]).all()
    assert np.isnan(campaign_scores(high, known, relaxed=["x"]).recall_on_hull)
    for score in (
        lambda none: recall_curve(none, known, order=[]),
        lambda none: campaign_scores(none, known, relaxed=[]),
    ):
        with pytest.raises(TableError, match="without candidates"):
            score(high.take([]))


def test_hull_is_recomputed_from_all_rows(truth, known):
    everything = References.from_rows(
        ids=[*known.ids, *truth.ids],
        formulas=[*known.formulas, *truth.formulas],
        energies=np.concatenate([known.energies, truth.energies]),
    )
    above = distances(truth.formulas, truth.energies, everything).e_above_hull
    assert campaign_scores(truth, known, relaxed=["a"]).n_true_on_hull == int((above < 1e-6).sum())


def test_unknown_and_repeated_ids(truth, known):
    with pytest.raises(TableError, match="unknown ids: z"):
        campaign_scores(truth, known, relaxed=["a", "z"])
    with pytest.raises(TableError, match="at most once"):
        recall_curve(truth, known, order=["a", "a"])
    with pytest.raises(TableError, match="without candidates"):
        campaign_scores(truth.take([]), known, relaxed=[])


def test_rules_side_by_side(truth, known):
    def decided(keep):
        keep = np.asarray(keep)
        zeros = np.zeros(5)
        return Decisions(
            ids=truth.ids, formulas=truth.formulas, keep=keep, reasons=np.where(keep, "x_in", "x_out"),
            values=zeros, thresholds=zeros, margins=zeros, scores=zeros, rule="made",
        )  # fmt: skip

    all_of_it, half = score_rules(
        {"all": decided([True] * 5), "half": decided([True, False, False, True, True])},
        truth, known, core_minutes_each=540,
    )[::-1]  # fmt: skip
    assert (all_of_it.rule, all_of_it.kept, all_of_it.recall, all_of_it.saved_core_minutes) == ("all", 5, 1.0, 0)
    assert half.recall == pytest.approx(2 / 3)
    assert half.recall_25mev == 0.5
    assert half.precision == pytest.approx(2 / 3)
    assert half.saved_core_minutes == 1080


def test_candidates_that_are_known_to_fail_are_candidates_and_spent_where_relaxed(truth, known):
    scores = campaign_scores(truth, known, relaxed=["a", "x"], trained_on=["x"], failed=["x"], hopeless=["x", "y"])
    assert (scores.n_candidates, scores.n_relaxed, scores.n_trained_on) == (7, 2, 1)
    assert scores.relaxations_saved_fraction == pytest.approx(5 / 7)
    assert scores.recall_on_hull == pytest.approx(1 / 3)
    assert scores.precision == 0.5
