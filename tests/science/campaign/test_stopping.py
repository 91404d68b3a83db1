"""When a campaign goes on and when it stops."""

from __future__ import annotations

from typing import Any

import pytest

from aiida_mlhull.science.campaign import assess
from tests.science.campaign.tables import REFERENCES, labels, settings

DONE = labels(["a", "b"], ["LiO", "LiO"], [-2.0, -1.9])


def stock(number: int, *, waiting: int = 5, previous: dict[str, Any] | None = None, **overrides: Any) -> dict[str, Any]:
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
