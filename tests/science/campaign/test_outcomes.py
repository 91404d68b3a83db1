"""At the end every candidate has a row, and the rows add up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.campaign import (
    campaign_settings,
    enter_first_stage,
    final_heights,
    final_outcomes,
    funnel,
    summarize,
)
from aiida_mlhull.science.campaign.account import in_order
from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.types import Decisions
from tests.science.campaign.tables import REFERENCES, candidates, labels


def dropped(ids: list[str], reason: str, value: float, threshold: float) -> Decisions:
    n = len(ids)
    return Decisions.from_rows(
        ids=ids,
        formulas=["LiO"] * n,
        keep=[False] * n,
        reasons=[reason] * n,
        values=[value] * n,
        thresholds=[threshold] * n,
        margins=[threshold - value] * n,
        scores=[0.0] * n,
        rule="two_sigma",
        stage="final",
    )


def test_every_candidate_gets_the_last_word_about_it() -> None:
    shard = candidates(["LiO"] * 5)
    # Li + O mixed at -1.5 eV/atom; c000 lies 0.5 below, c001 0.1 above c000.
    done = labels(["c000", "c001", "c002"], ["LiO"] * 3, [-2.0, -1.9, np.nan])
    trail = [
        enter_first_stage(shard, stage="final"),
        dropped(["c003", "c004"], "above_threshold", 0.3, 0.1),
        dropped(["c004"], "batch_full", 0.05, 0.1),
    ]
    table = final_outcomes(shard, trail, done, REFERENCES)
    assert table.reasons.tolist() == ["on_hull", "above_hull", "failed: out_of_time", "above_threshold", "batch_full"]
    assert table.keep.tolist() == [True, True, False, False, False]
    assert table.values == pytest.approx([0.0, 0.1, 0.0, 0.3, 0.05], abs=1e-9)
    assert table.thresholds[3:] == pytest.approx([0.1, 0.1])


def test_who_was_let_in_and_never_decided_about_was_not_asked() -> None:
    shard = candidates(["LiO"] * 3)
    trail = [enter_first_stage(shard, stage="final"), dropped(["c002"], "above_threshold", 0.3, 0.1)]
    table = final_outcomes(shard, trail, labels(["c000"], ["LiO"], [-2.0]), REFERENCES)
    assert table.reasons.tolist() == ["on_hull", "not_asked", "above_threshold"]
    assert funnel([table])["reason:not_asked"] == 1
    assert final_outcomes(shard, trail, None, REFERENCES).reasons.tolist() == [
        "not_asked",
        "not_asked",
        "above_threshold",
    ]


@pytest.mark.parametrize(("rule", "value"), [("discovery", 0.2), ("requirement", 0.0)])
def test_who_was_kept_and_not_asked_has_the_numbers_of_a_rule_but_not_those_of_a_band_gap(rule, value) -> None:
    shard = candidates(["LiO"])
    last = dropped(["c000"], "likely_enough", 0.2, 0.1)
    table = final_outcomes(shard, [replace(last, rule=rule, keep=~last.keep, margins=-last.margins)], None, REFERENCES)
    assert table.reasons.tolist() == ["not_asked"]
    assert table.values == pytest.approx([value])


def test_the_hull_is_made_of_all_shards() -> None:
    shard = candidates(["LiO"])
    own = labels(["c000"], ["LiO"], [-2.0])
    everything = labels(["c000", "x000"], ["LiO", "LiO"], [-2.0, -2.4])
    assert final_outcomes(shard, [], own, REFERENCES).reasons.tolist() == ["on_hull"]
    table = final_outcomes(shard, [], own, REFERENCES, everything=everything)
    assert table.reasons.tolist() == ["above_hull"]
    assert table.values == pytest.approx([0.4])
    heights = final_heights(everything, REFERENCES)
    again = final_outcomes(shard, [], own, REFERENCES, heights=heights[:1])
    assert again.values.tolist() == table.values.tolist()
    failed = labels(["c000", "x000"], ["LiO", "LiO"], [np.nan, -2.4])
    assert final_heights(failed, REFERENCES) == pytest.approx([np.nan, 0.0], nan_ok=True)


def test_the_funnel_adds_up() -> None:
    shard = candidates(["LiO"] * 4)
    done = labels(["c000", "c001"], ["LiO"] * 2, [-2.0, np.nan])
    trail = [dropped(["c002"], "same_as c000", 0.001, 0.005), dropped(["c003"], "above_threshold", 0.3, 0.1)]
    counts = funnel([final_outcomes(shard, trail, done, REFERENCES)])
    assert counts["candidates"] == 4
    parts = ("relaxed", "failed", "merged", "dropped_by_rule")
    assert [counts[part] for part in parts] == [1, 1, 1, 1]
    assert counts["reason:above_threshold"] == 1


def test_a_vanished_candidate_is_an_error() -> None:
    shard = candidates(["LiO"] * 2)
    with pytest.raises(TableError, match="1 candidates vanished: c001"):
        final_outcomes(shard, [], labels(["c000"], ["LiO"], [-2.0]), REFERENCES)


def test_the_account_compares_with_relaxing_everybody() -> None:
    shard = candidates(["LiO"] * 4)
    done = labels(["c000"], ["LiO"], [-2.0])
    table = final_outcomes(shard, [dropped(["c001", "c002", "c003"], "above_threshold", 0.3, 0.1)], done, REFERENCES)
    settings = campaign_settings({"stages": [{"name": "final", "engine": "recorded"}]})
    account = summarize([table], {"stage_00": [done]}, settings)
    assert account["core_minutes"] == 1.0
    assert account["core_minutes_without_models"] == 4.0
    assert account["saved_fraction"] == 0.75


def test_the_account_of_merging_stands_beside_the_stage_that_was_merged() -> None:
    shard = candidates(["LiO"] * 3)
    before, after = labels(["c000", "c001", "c002"], ["LiO"] * 3, [-2.0] * 3), labels(["c000"], ["LiO"], [-2.0])
    merged = [replace(dropped(["c001", "c002"], "same_as c000", 0.001, 0.005), rule="merge")]
    table = final_outcomes(shard, merged, after, REFERENCES)
    stages = [{"name": "first", "engine": "potential", "merge": {}}, {"name": "last", "engine": "recorded"}]
    settings = campaign_settings({"stages": stages})
    account = summarize([table], {"stage_00": [before], "stage_01": [after]}, settings, merged={"stage_00": merged})
    assert list(account["merging"]) == ["first"]
    assert account["merging"]["first"]["n_merged"] == 2
    assert summarize([table], {"stage_00": [before], "stage_01": [after]}, settings)["merging"] == {}


def test_an_account_is_told_in_the_order_of_the_stages():
    stored = {
        "funnel": {"candidates": 3},
        "stages": {"final": 2, "volume": 1},
        "merging": {"volume": 0},
        "core_minutes": 5.0,
    }
    told = in_order(stored, ["volume", "coarse", "final"])
    assert list(told["stages"].items()) == [("volume", 1), ("final", 2)]
    assert told == stored, "nothing is added or lost"
