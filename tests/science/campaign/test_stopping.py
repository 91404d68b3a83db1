"""When a campaign goes on and when it stops."""

from __future__ import annotations

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
        ids=np.array([f"w{i}" for i in range(n)]),
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
    assert claim(np.array([0.5]), undecided([0.3, 0.0]), window=0.025)["claim"] == 1.0


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
