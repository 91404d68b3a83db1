"""The loop's decisions on tables small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.campaign import (
    choose_start,
    decide_round,
    enter_first_stage,
    enter_next_stage,
    still_waiting,
)
from aiida_mlhull.science.campaign.decisions import spread_over_formulas
from aiida_mlhull.science.errors import TooFewLabelsError
from aiida_mlhull.science.types import Decisions
from tests.science.campaign.tables import REFERENCES, candidates, labels, predictions, settings


def test_everybody_may_enter_the_first_stage() -> None:
    entered = enter_first_stage(candidates(["Li", "LiO"]), stage="final")
    assert entered.keep.all()
    assert entered.stage == "final"


def test_failures_and_merged_crystals_are_dropped_with_their_reasons() -> None:
    done = labels(["a", "b", "c"], ["Li"] * 3, [-1.0, np.nan, -1.001], stage="first")
    merged = Decisions(
        ids=np.array(["a", "c"]),
        formulas=np.array(["Li", "Li"]),
        keep=np.array([False, True]),
        reasons=np.array(["same_as c", "representative"]),
        values=np.array([0.001, 0.0]),
        thresholds=np.array([0.005, 0.005]),
        margins=np.array([-0.004, 0.005]),
        scores=np.zeros(2),
        rule="merge",
    )
    entered = enter_next_stage(done, merged, stage="final")
    assert entered.reasons.tolist() == ["same_as c", "failed: out_of_time", "open"]
    assert entered.keep.tolist() == [False, False, True]
    assert entered.values.tolist() == [0.001, 0.0, 0.0]
    assert entered.thresholds[0] == 0.005


def test_who_was_relaxed_does_not_wait() -> None:
    pool = enter_first_stage(candidates(["Li", "LiO", "O"]), stage="final")
    waiting = still_waiting(pool, labels(["c001"], ["LiO"], [-3.0]))
    assert waiting.ids.tolist() == ["c000", "c002"]
    assert still_waiting(pool, None).ids.tolist() == pool.ids.tolist()


def test_the_start_set_is_spread_over_formulas_and_follows_the_seed() -> None:
    formulas = np.array(["A"] * 50 + ["B"] * 3 + ["C"] * 1)
    chosen = spread_over_formulas(formulas, 9, seed=1)
    counts = {name: int((formulas[chosen] == name).sum()) for name in "ABC"}
    assert counts == {"A": 5, "B": 3, "C": 1}
    assert chosen.tolist() == spread_over_formulas(formulas, 9, seed=1).tolist()
    assert chosen.tolist() != spread_over_formulas(formulas, 9, seed=2).tolist()


@given(st.lists(st.sampled_from("ABCDE"), min_size=1, max_size=40), st.integers(0, 40), st.integers(0, 5))
def test_formulas_give_one_row_each_turn_in_the_order_of_the_draw(names, wanted, seed) -> None:
    left = np.random.default_rng(seed).permutation(len(names)).tolist()
    chosen: list[int] = []
    while left and len(chosen) < wanted:
        turn: dict[str, int] = {}
        for row in left:
            turn.setdefault(names[row], row)
        chosen += list(turn.values())
        left = [row for row in left if row not in turn.values()]
    assert spread_over_formulas(np.array(names), wanted, seed=seed).tolist() == sorted(chosen[:wanted])


def test_the_start_set_is_counted_in_shares_of_all_candidates() -> None:
    pool = enter_first_stage(candidates(["LiO"] * 100), stage="final")
    chosen = choose_start(pool, settings(start=0.25), total=100)
    assert chosen.keep.sum() == 25
    assert set(chosen.reasons.tolist()) == {"start_set", "not_in_start_set"}


def test_too_few_candidates_for_the_ensemble() -> None:
    pool = enter_first_stage(candidates(["LiO"] * 3), stage="final")
    with pytest.raises(TooFewLabelsError, match="needs at least"):
        choose_start(pool, settings(), total=3)


def test_the_batch_takes_the_best_and_the_rest_waits_with_a_reason() -> None:
    # All four predictions lie within two sigma of the predicted hull at LiO, which the lowest defines.
    asked = predictions({"a": -4.000, "b": -4.004, "c": -4.002, "d": -3.0})
    campaign = settings(
        stages=[{"name": "final", "engine": "recorded", "gate": {"rule": "two_sigma", "rounds": 3, "batch": 2}}]
    )
    decided = decide_round(
        asked,
        labels(["z"], ["Li"], [-0.9]),
        REFERENCES,
        campaign,
        stage=campaign.stages[0],
        number=1,
        total=5,
    )
    assert decided.keep.tolist() == [False, True, True, False]
    assert decided.reasons[0] == "batch_full"
    assert decided.values[0] == pytest.approx(0.004)
    assert decided.thresholds[0] == pytest.approx(0.02)
    assert decided.margins[3] < 0
    assert decided.round == 1


def test_the_batch_takes_the_highest_scores() -> None:
    """Chances fall with the energy: b, then c, then a."""
    asked = predictions({"a": -4.000, "b": -4.010, "c": -4.005})
    gate = {"rule": "probability", "rule_settings": {"p": 1e-6}, "rounds": 3, "batch": 1}
    campaign = settings(stages=[{"name": "final", "engine": "recorded", "gate": gate}])
    known = labels(["z"], ["Li"], [-0.9])
    decided = decide_round(asked, known, REFERENCES, campaign, stage=campaign.stages[0], number=1, total=5)
    assert decided.scores[1] > decided.scores[2] > decided.scores[0] > 0
    assert decided.reasons.tolist() == ["batch_full", decided.reasons[1], "batch_full"]
    assert decided.keep.tolist() == [False, True, False]


def test_the_budget_cuts_the_batch() -> None:
    asked = predictions({"a": -4.000, "b": -4.004, "c": -4.002})
    campaign = settings(budget=2)
    known = labels(["z"], ["Li"], [-0.9])
    decided = decide_round(asked, known, REFERENCES, campaign, stage=campaign.stages[0], number=1, total=4)
    assert decided.keep.tolist() == [False, True, False]
    spent = settings(budget=1)
    decided = decide_round(asked, known, REFERENCES, spent, stage=campaign.stages[0], number=1, total=4)
    assert not decided.keep.any()
