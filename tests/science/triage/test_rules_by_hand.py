"""The keep-rules on a binary that can be worked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import norm

from aiida_mlhull.science.errors import InputError, SettingsError, TableError
from aiida_mlhull.science.triage import RULES
from aiida_mlhull.science.triage.base import chance_below, ranks, weigh
from aiida_mlhull.science.triage.committee import as_one, as_one_member, mean_of, side_by_side, split_ensembles
from aiida_mlhull.science.triage.recall_target import smallest_k
from aiida_mlhull.science.types import Predictions, References


def made(rule, /, **settings):
    cls = RULES[rule]
    return cls(cls.Settings(**settings))


@pytest.fixture
def known():
    """Li and O at zero, LiO at -1 eV/atom."""
    return References.from_rows(
        ids=["Li", "O", "x"], formulas=["Li", "O", "LiO"], energies=np.asarray([0.0, 0.0, -1.0])
    )


@pytest.fixture
def predictions():
    """a and b are LiO 0.1 below and 0.1 above what is known, c is Li3O 0.2 above; σ = 0.05, 0.12, 0.13.

    On the predicted hull, with a at -1.1, the distances are 0, 0.2 and 0.25 eV/atom.
    """
    return Predictions(
        ids=np.asarray(["a", "b", "c"]),
        formulas=np.asarray(["LiO", "LiO", "Li3O"]),
        members=np.asarray([[-1.1, -1.1], [-0.9, -0.9], [-0.3, -0.3]]),
        member_aleatoric=np.asarray([[0.05, 0.05], [0.12, 0.12], [0.13, 0.13]]),
    )


def test_two_sigma_measures_on_the_predicted_hull(predictions, known):
    decisions = made("two_sigma").decide(predictions, known)
    np.testing.assert_allclose(decisions.values, [0.0, 0.2, 0.25], atol=1e-14)
    np.testing.assert_allclose(decisions.thresholds, [0.1, 0.24, 0.26], atol=1e-14)
    assert decisions.keep.tolist() == [True, True, True]
    narrow = made("two_sigma", k=1.8).decide(predictions, known)
    assert narrow.keep.tolist() == [True, True, False]
    assert narrow.reasons.tolist() == ["within_threshold", "within_threshold", "above_threshold"]
    np.testing.assert_allclose(narrow.margins, [0.09, 0.016, -0.016], atol=1e-14)


def test_two_sigma_keeps_what_lies_on_the_predicted_hull_whatever_sigma(predictions, known):
    certain = Predictions(
        ids=predictions.ids,
        formulas=predictions.formulas,
        members=predictions.members,
        member_aleatoric=np.zeros((3, 2)),
    )
    assert made("two_sigma").decide(certain, known).keep.tolist() == [True, False, False]


def test_sigma_adjusted_asks_for_confidence(predictions, known):
    decisions = made("sigma_adjusted").decide(predictions, known)
    np.testing.assert_allclose(decisions.values, [-0.05, 0.22, 0.33], atol=1e-14)
    assert decisions.keep.tolist() == [True, False, False]
    against_predicted = made("sigma_adjusted", hull="predicted").decide(predictions, known)
    np.testing.assert_allclose(against_predicted.values, [-0.05, 0.32, 0.38], atol=1e-14)


def test_scores_are_chances_to_lie_below_what_is_known(predictions, known):
    scores = made("two_sigma").decide(predictions, known).scores
    np.testing.assert_allclose(scores, [0.977250, 0.202328, 0.061968], atol=1e-6)  # Φ(2), Φ(-1/1.2), Φ(-2/1.3)


def test_top_n(predictions, known):
    decisions = made("top_n", n=2).decide(predictions, known)
    assert decisions.keep.tolist() == [True, True, False]
    assert decisions.values.tolist() == [1.0, 2.0, 3.0]
    assert decisions.reasons.tolist() == ["rank_within_n", "rank_within_n", "rank_above_n"]
    assert made("top_n", n=1, by="energy").decide(predictions, known).scores.tolist() == pytest.approx(
        [0.1, -0.1, -0.2]
    )


def test_scores_by_hand(predictions, known):
    evidence = weigh(predictions, known)
    np.testing.assert_allclose(evidence.by("optimistic", k=2), [0.2, 0.14, 0.06], atol=1e-14)
    steps = np.linspace(-3, 3, 200_001)
    for row, (distance, sigma) in enumerate([(-0.1, 0.05), (0.1, 0.12), (0.2, 0.13)]):
        density = np.exp(-0.5 * ((steps - distance) / sigma) ** 2) / sigma / np.sqrt(2 * np.pi)
        gain = trapezoid(np.maximum(-steps, 0) * density, steps)
        assert evidence.by("improvement")[row] == pytest.approx(gain, rel=1e-6)


def test_probability_keeps_what_is_likely(predictions, known):
    decisions = made("probability", p=0.05, samples=4000).decide(predictions, known, seed=2)
    a_wins = decisions.values[0]
    assert a_wins == pytest.approx(norm.cdf(2.0), abs=0.03)
    assert decisions.values[1] < 0.25
    assert decisions.reasons.tolist()[0] == "likely_enough"
    assert (decisions.keep == (decisions.values > 0.05)).all()
    assert decisions.unit == "probability"


def test_discovery_hears_every_member(known):
    """LiO is known at -1: one member sees the candidate 0.1 below, the other 0.1 above; σ = 0.1 each."""
    torn = Predictions(
        ids=np.asarray(["a", "b"]),
        formulas=np.asarray(["LiO", "LiO"]),
        members=np.asarray([[-1.1, -0.9], [-0.5, -0.5]]),
        member_aleatoric=np.full((2, 2), 0.1),
    )
    decisions = made("discovery").decide(torn, known)
    near = [(norm.cdf(1.25) + norm.cdf(-0.75)) / 2, norm.cdf(-4.75)]
    on_hull = [0.5, norm.cdf(-5.0)]
    np.testing.assert_allclose(decisions.values, near, rtol=1e-9)
    assert decisions.keep.tolist() == [True, False]
    expected = (np.asarray(on_hull) / sum(on_hull) + np.asarray(near) / sum(near)) / 2
    np.testing.assert_allclose(decisions.scores, expected, rtol=1e-9)


def test_recall_target_finds_its_k():
    distance = np.asarray([0.0, 3.0, 1.0, 2.0])
    chances = np.asarray([0.6, 0.0, 0.3, 0.1])
    assert smallest_k(distance, chances, alpha=0.0) == 2.0
    assert smallest_k(distance, chances, alpha=0.1) == 1.0
    assert smallest_k(distance, chances, alpha=0.5) == 0.0
    assert smallest_k(distance[:0], chances[:0], alpha=0.1) == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_recall_target_that_may_lose_nothing_keeps_all_with_a_chance_of_many(seed):
    rng = np.random.default_rng(seed)
    distance, chances = rng.random(100_000), rng.integers(0, 1001, 100_000) / 1000
    assert smallest_k(distance, chances, alpha=0.0) == distance[chances > 0].max()


def test_recall_target_is_a_k_sigma_rule(predictions, known):
    target = made("recall_target", alpha=0.02).decide(predictions, known, seed=1)
    k = float(target.thresholds[0])
    assert target.unit == "sigma"
    same = made("two_sigma", k=k + 1e-9).decide(predictions, known)
    assert same.keep.tolist() == target.keep.tolist()
    nothing_lost = made("recall_target", alpha=0.0).decide(predictions, known, seed=1)
    assert nothing_lost.thresholds[0] >= k
    lost = target.scores[~target.keep].sum() / target.scores.sum()
    assert lost <= 0.02


@pytest.mark.parametrize("spelled", ["Li3O", "OLi3", "Li6O2"])
def test_budget_buys_the_best_value(predictions, known, spelled):
    cheap_li3o = {spelled: 100.0}
    decisions = made("budget", core_minutes=640, core_minutes_by_formula=cheap_li3o).decide(predictions, known)
    chances = np.asarray([0.977250, 0.202328, 0.061968])
    np.testing.assert_allclose(decisions.scores, chances / [540, 540, 100], rtol=1e-5)
    assert decisions.values.tolist() == [540.0, 1180.0, 640.0]
    assert decisions.keep.tolist() == [True, False, True]
    assert decisions.reasons.tolist() == ["within_budget", "over_budget", "within_budget"]


def test_random_keeps_a_share_by_seed(predictions, known):
    kept = [made("random", fraction=0.3).decide(predictions, known, seed=seed).keep for seed in range(40)]
    assert {int(keep.sum()) for keep in kept} == {1}
    assert np.stack(kept).any(axis=0).all()


def test_oracle_knows(predictions, known):
    truth = {"a": -1.01, "b": -1.02, "c": -0.6}
    exact = made("oracle", energies=truth).decide(predictions, known)
    assert exact.keep.tolist() == [False, True, True]
    np.testing.assert_allclose(exact.values, [0.01, 0.0, 0.0], atol=1e-14)
    # By depth below what is known and each other: b lies 0.01 below its twin, c 0.09 below the line from Li to b.
    np.testing.assert_allclose(exact.scores, [-0.01, 0.01, 0.09], atol=1e-14)
    assert made("oracle", energies=truth, within=0.025).decide(predictions, known).keep.all()
    with pytest.raises(InputError, match="1 rows: c"):
        made("oracle", energies={"a": -1.0, "b": -1.0}).decide(predictions, known)


class TestCommittee:
    @pytest.fixture
    def two_minds(self):
        """The first ensemble (two members) likes a, the second (one member) likes b."""
        return Predictions(
            ids=np.asarray(["a", "b"]),
            formulas=np.asarray(["LiO", "Li3O"]),
            members=np.asarray([[-1.1, -1.1, -0.7], [-0.1, -0.1, -0.6]]),
            member_aleatoric=np.full((2, 3), 0.05),
        )

    def test_union_and_intersection(self, two_minds, known):
        union = made("committee", sizes=[2, 1]).decide(two_minds, known)
        assert union.keep.tolist() == [True, True]
        both = made("committee", sizes=[2, 1], combine="intersection").decide(two_minds, known)
        assert both.keep.tolist() == [False, False]
        assert both.reasons.tolist() == ["above_threshold"] * 2
        np.testing.assert_allclose(both.values, [0.3, 0.45], atol=1e-14)
        assert both.rule == "committee"

    def test_mean_is_the_mixture(self, two_minds, known):
        mixed = mean_of(split_ensembles(two_minds, [2, 1]))
        np.testing.assert_allclose(mixed.mean, [-0.9, -0.35], atol=1e-14)
        np.testing.assert_allclose(mixed.sigma, np.hypot(0.05, [0.2, 0.25]), atol=1e-14)
        decisions = made("committee", sizes=[2, 1], combine="mean", settings={"k": 1.0}).decide(two_minds, known)
        np.testing.assert_allclose(decisions.thresholds, mixed.sigma, atol=1e-14)

    def test_other_rules_can_sit(self, two_minds, known):
        best = made("committee", sizes=[2, 1], rule="top_n", settings={"n": 1}).decide(two_minds, known)
        assert best.keep.all()
        assert best.unit == "rank"

    def test_reasons_name_who_voted_so_and_first_whose_numbers_they_are(self, two_minds, known):
        one, other = split_ensembles(two_minds, [2, 1])
        said = side_by_side({"wren": one, "cgcnn_d": other})
        assert said.ensembles == {"cgcnn_d": 1, "wren": 2}
        np.testing.assert_array_equal(said.members, two_minds.members[:, [2, 0, 1]])
        union = made("committee").decide(said, known)
        assert union.keep.tolist() == [True, True]
        assert union.reasons.tolist() == ["within_threshold: wren", "within_threshold: cgcnn_d"]
        both = made("committee", combine="intersection").decide(said, known)
        assert both.reasons.tolist() == ["above_threshold: cgcnn_d", "above_threshold: wren"]
        np.testing.assert_allclose(both.values, [0.3, 0.45], atol=1e-14)
        mean = made("committee", combine="mean", settings={"k": 0.01}).decide(said, known)
        assert mean.reasons.tolist() == ["above_threshold", "above_threshold"]
        np.testing.assert_allclose(mean.values, [0.1, 0.15], atol=1e-14)

    def test_all_who_agree_are_named_the_nearest_first_in_a_union(self, two_minds, known):
        hopeless = replace(two_minds, members=np.asarray([[-0.9, -0.9, -0.5], [0.3, 0.3, 0.2]]))
        one, other = split_ensembles(hopeless, [2, 1])
        said = side_by_side({"wren": one, "cgcnn_d": other})
        union = made("committee", settings={"k": 1.0}).decide(said, known)
        assert union.reasons.tolist() == ["above_threshold: wren, cgcnn_d", "above_threshold: cgcnn_d, wren"]
        np.testing.assert_allclose(union.values, [0.1, 0.7], atol=1e-14)
        both = made("committee", combine="intersection", settings={"k": 1.0}).decide(said, known)
        assert both.reasons.tolist() == ["above_threshold: cgcnn_d, wren", "above_threshold: wren, cgcnn_d"]
        np.testing.assert_allclose(both.values, [0.5, 0.8], atol=1e-14)

    def test_the_mean_of_unequal_ensembles_weighs_them_equally(self, two_minds):
        one, other = split_ensembles(two_minds, [2, 1])
        mixed = as_one(side_by_side({"wren": one, "cgcnn_d": other}))
        np.testing.assert_allclose(mixed.mean, [-0.9, -0.35], atol=1e-14)
        assert as_one(two_minds) is two_minds
        assert side_by_side({"": two_minds}) is two_minds
        single = as_one_member(mixed)
        assert single.members.shape == (2, 1)
        np.testing.assert_allclose([single.mean, single.sigma], [mixed.mean, mixed.sigma], atol=1e-14)

    def test_named_ensembles_have_no_sizes_and_the_same_rows(self, two_minds, known):
        one, other = split_ensembles(two_minds, [2, 1])
        with pytest.raises(SettingsError, match="leave the committee's sizes out"):
            made("committee", sizes=[1, 2]).decide(side_by_side({"wren": one, "cgcnn_d": other}), known)
        with pytest.raises(TableError, match="cgcnn_d, wren were asked about different rows"):
            side_by_side({"wren": one, "cgcnn_d": other.take([0])})
        with pytest.raises(TableError, match="don't add up to 3 members"):
            replace(two_minds, ensembles={"wren": 2})

    def test_sizes_must_fit(self, two_minds, known):
        with pytest.raises(SettingsError, match=r"\[2, 2\] add up to 4, but there are 3"):
            made("committee", sizes=[2, 2]).decide(two_minds, known)


def test_equal_scores_rank_in_the_order_of_rows():
    assert ranks(np.asarray([0.5, 0.9, 0.5, 0.9])).tolist() == [3, 1, 4, 2]


def test_chance_without_spread():
    np.testing.assert_allclose(
        chance_below(np.asarray([-0.1, 0.0, 0.1, 0.0]), np.asarray([0.0, 0.0, 0.0, 0.3])), [1, 0.5, 0, 0.5]
    )
