"""When a campaign goes on and when it stops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from aiida_mlhull.science.campaign import assess, campaign_settings
from aiida_mlhull.science.campaign.promise import audited, claim
from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.types import Decisions
from tests.science.campaign.tables import REFERENCES, labels, settings

DONE = labels(["a", "b"], ["LiO", "LiO"], [-2.0, -1.9])


def stock(
    number: int,
    *,
    waiting: int = 5,
    previous: dict[str, Any] | None = None,
    left: Decisions | None = None,
    **overrides: Any,
) -> dict[str, Any]:
    campaign = settings(**overrides)
    return assess(
        DONE,
        REFERENCES,
        campaign,
        stage=campaign.stages[0],
        number=number,
        total=10,
        waiting=waiting,
        previous=previous,
        left=left,
    )


def test_it_names_the_phases_on_the_hull() -> None:
    found = stock(0)
    assert found["stable"] == ["a"]
    assert found["new_phases"] == ["a"]
    assert found["median_e_above_hull_mev"] == pytest.approx(50.0)
    assert found["stop"] == ""


def test_reasons_to_stop() -> None:
    assert stock(0, waiting=0)["stop"] == "nobody_waits"
    assert stock(3)["stop"] == "rounds_done"
    assert stock(1, budget=2)["stop"] == "budget_spent"
    assert stock(1, previous=stock(0))["stop"] == "rule_keeps_nothing"


def test_quiet_rounds_are_counted_from_the_last_change() -> None:
    first = stock(0, waiting=7, stop={"quiet_rounds": 2})
    second = stock(1, waiting=6, previous=first, stop={"quiet_rounds": 2})
    assert (second["quiet_rounds"], second["stop"]) == (1, "")
    third = stock(2, waiting=5, previous=second, stop={"quiet_rounds": 2})
    assert third["stop"] == "quiet_rounds"
    changed = stock(2, waiting=5, previous={**second, "stable": ["other"]}, stop={"quiet_rounds": 2})
    assert (changed["quiet_rounds"], changed["stop"]) == (0, "")
    early = stock(2, waiting=5, previous=second, stop={"quiet_rounds": 2, "min_share": 0.5})
    assert early["stop"] == ""


PROMISING = [{"name": "final", "engine": "recorded", "gate": {"rule": "competing", "rounds": 3}}]


def undecided(chances: list[float]) -> Decisions:
    """The first one was chosen, the others wait."""
    n = len(chances)
    return Decisions(
        ids=np.array([f"w{i:04}" for i in range(n)]),
        formulas=np.full(n, "LiO"),
        keep=np.arange(n) == 0,
        reasons=np.where(np.arange(n) == 0, "likely_enough", "batch_full"),
        values=np.array(chances),
        thresholds=np.full(n, 0.01),
        margins=np.array(chances) - 0.01,
        scores=np.array(chances),
        rule="competing",
        unit="probability",
    )


IDS = np.array([f"w{i:04}" for i in range(1200)])


def chosen(chances: np.ndarray) -> Decisions:
    """All of them were chosen."""
    decided = undecided(chances.tolist())
    return replace(decided, ids=IDS, keep=np.ones(len(chances), dtype=bool))


def test_a_promise_ends_the_campaign_when_the_model_believes_it_kept() -> None:
    """One of the two results lies on the hull; 0.25 more are expected: 80 %. What was chosen waits no more."""
    left = undecided([0.9, 0.2, 0.05])
    found = stock(1, left=left, stages=PROMISING, stop={"promise": 0.79})
    assert found["promise"]["found"] == 1
    assert found["promise"]["expected_left"] == pytest.approx(0.25)
    assert found["promise"]["claim"] == pytest.approx(0.8)
    assert found["stop"] == "promise_kept"
    assert stock(1, left=left, stages=PROMISING, stop={"promise": 0.81})["stop"] == ""
    assert stock(1, left=left, stages=PROMISING)["stop"] == ""
    assert stock(1, left=left, stages=PROMISING, stop={"promise": 0.79}, budget=2)["stop"] == "budget_spent"
    assert stock(0, stages=PROMISING, stop={"promise": 0.1})["promise"] is None


def test_without_anything_expected_all_is_found() -> None:
    assert claim(np.array([0.5]), np.array(["r"]), undecided([0.3, 0.0]), window=0.025)["claim"] == 1.0


def test_what_came_of_earlier_rounds_corrects_what_is_expected() -> None:
    """By hand, prior 2: none of 0.6 expected makes large chances 2 / 2.6 of what they are, and smaller ones as well; then one
    of 0.2 came, which speaks for chances of its size and below, not for larger ones."""
    left = undecided([0.6, 0.2, 0.05])
    first = claim(np.array([0.0, 0.5]), np.array(["r", "w0000"]), left, window=0.025)
    assert first["tried"] == {"expected": [0.0, 0.0, 0.0, 0.6], "came": [0.0] * 4}
    assert first["factors"] == pytest.approx([2 / 2.6] * 4)
    assert (first["stated_left"], first["expected_left"]) == pytest.approx((0.25, 0.25 * 2 / 2.6))
    heights, ids = np.array([0.0, 0.5, 0.01]), np.array(["r", "v", "w0000"])
    second = claim(heights, ids, undecided([0.2, 0.05]), window=0.025, before=first)
    middle = (2 * 2 / 2.6 + 1) / 2.2
    assert second["factors"] == pytest.approx([middle, middle, middle, 2 / 2.6])
    assert second["claim"] == pytest.approx(2 / (2 + 0.05 * middle))
    earlier_version = {"found": 1, "expected_left": 0.5, "claim": 2 / 3}
    alone = claim(heights, ids, undecided([0.2, 0.05]), window=0.025, before=earlier_version)
    assert alone["factors"] == pytest.approx([3 / 2.2] * 3 + [1.0])


def test_rows_that_failed_say_nothing_about_chances() -> None:
    told = claim(np.array([0.0]), np.array(["r"]), undecided([0.6, 0.2]), window=0.025)
    assert told["tried"] == {"expected": [0.0] * 4, "came": [0.0] * 4}
    assert told["factors"] == [1.0] * 4


@pytest.mark.parametrize("true", [(0.2, 0.4, 1.0, 1.3), (1.0, 1.0, 1.0, 1.0), (2.0, 1.5, 1.0, 0.8)])
def test_chances_that_are_off_by_a_factor_are_put_right(true: tuple[float, ...]) -> None:
    """Drawn worlds: rows of each size are near with ``true`` times their stated chance."""
    rng = np.random.default_rng(7)
    stated = np.tile([0.02, 0.06, 0.2, 0.6], 300)
    factors = []
    for _ in range(30):
        told = None
        for _ in range(3):
            came = rng.random(1200) < np.tile(true, 300) * stated
            told = claim(np.where(came, 0.0, 1.0), IDS, chosen(stated), window=0.025, before=told)
        assert told is not None
        factors.append(told["factors"])
    assert np.mean(factors, axis=0) == pytest.approx(true, abs=0.08)


def test_a_promise_needs_a_rule_that_states_chances() -> None:
    stages = [{"name": "final", "engine": "recorded", "gate": {"rule": "two_sigma"}}]
    with pytest.raises(SettingsError, match="rules that do: competing, discovery"):
        campaign_settings({"stages": stages, "stop": {"promise": 0.9}})


@pytest.mark.parametrize("size", [1, 60, 150])
def test_an_audit_certifies_what_the_binomial_test_doesn_t_reject(size: int) -> None:
    """scipy's exact interval for no success in ``size`` trials."""
    most = binomtest(0, size, alternative="less").proportion_ci(confidence_level=0.95).high
    assert audited(500, waiting=5000, size=size) == pytest.approx(500 / (500 + most * 5000))
    assert audited(500, waiting=size, size=size) == 1.0
