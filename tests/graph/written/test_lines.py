"""A campaign's state in words."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from aiida_mlhull.graph.campaigns import State
from aiida_mlhull.graph.written.lines import state_in_words


def begun() -> datetime:
    return datetime.now(tz=timezone.utc) - timedelta(hours=3)


def lines_of(state: State) -> dict[str, str]:
    """Values by the name in front of them."""
    lines = state_in_words(state).splitlines()
    assert lines[0] == "Campaign 7 (arsenides)"
    return {name: value.strip() for name, _, value in (line.strip().partition("  ") for line in lines[1:])}


def test_a_campaign_that_has_only_begun() -> None:
    told = lines_of(State(7, "arsenides", begun(), "waiting"))
    assert told["stage"] == "before the first gate"
    assert told["age"] == "3.0 h"
    assert "near ones found" not in told
    assert "models stopped" not in told


def test_a_campaign_in_its_second_round() -> None:
    promise = {"claim": 0.954}
    state = State(
        7,
        "arsenides",
        begun(),
        "finished",
        "final",
        2,
        relaxed=32,
        stable=3,
        waiting=40,
        stop="budget_spent",
        promise=promise,
    )
    assert lines_of(state) == {
        "state": "finished", "age": "3.0 h", "stage": "final", "round": "2", "relaxed": "32", "on the hull": "3",
        "waiting": "40", "near ones found": "95.4% by the model", "models stopped": "budget_spent",
    }  # fmt: skip
