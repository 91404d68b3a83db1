"""A campaign file is checked as a whole, and the message says what is known instead."""

from __future__ import annotations

from typing import Any

import pytest

from aiida_mlhull.science.campaign import campaign_settings, load_protocol, protocol_names
from aiida_mlhull.science.errors import SettingsError, UnknownNameError
from aiida_mlhull.science.types.strict import amount

STAGES = [{"name": "final", "engine": "recorded"}]


@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_is_valid_and_described(name: str) -> None:
    assert campaign_settings({}, protocol=name).stages
    assert len(load_protocol(name)["description"]) > 50


def test_the_published_protocol_is_the_published_one() -> None:
    settings = campaign_settings({}, protocol="ekstrom-2022")
    assert [stage.name for stage in settings.stages] == ["preprerelax", "prerelax", "final"]
    assert [stage.gate and stage.gate.rule for stage in settings.stages] == [None, "two_sigma", "two_sigma"]
    assert (settings.ensemble.model, settings.ensemble.members, settings.ensemble.loss) == ("cgcnn", 5, "l1")
    assert settings.start == 60


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"stagges": []}, r"stagges: unknown key \(known: name, seed"),
        ({"stages": STAGES, "seed": "one"}, "seed"),
        ({"stages": []}, "stages"),
        ({"stages": STAGES * 2}, "stage names must differ"),
        ({"stages": STAGES, "ensemble": {"model": "oracle"}}, "unknown model 'oracle'; known: .*cgcnn"),
        ({"stages": [{**STAGES[0], "gate": {"rule": "hope"}}]}, "unknown keep-rule 'hope'; known: .*two_sigma"),
        ({"stages": [{**STAGES[0], "gate": {"rule_settings": {"q": 1}}}]}, "q: unknown key"),
        ({"stages": [{**STAGES[0], "gate": {"baseline": "stage"}}]}, "no stage before it"),
        ({"stages": STAGES, "start": 0}, "start"),
        ({"stages": STAGES, "budget": 1.5}, "budget"),
    ],
)
def test_wrong_settings_are_refused_by_name(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        campaign_settings(wrong)


def test_an_unknown_protocol_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="known: cluster, ekstrom-2022, ekstrom-2022-vasp, laptop"):
        campaign_settings({}, protocol="magic")


def test_overrides_are_merged_into_the_protocol() -> None:
    settings = campaign_settings({"ensemble": {"members": 3}}, protocol="ekstrom-2022")
    assert (settings.ensemble.model, settings.ensemble.members) == ("cgcnn", 3)


def test_amounts_are_counts_or_shares() -> None:
    assert [amount(value, 10) for value in (3, 30, 0.25, 1.0)] == [3, 10, 3, 10]


def test_whole_percents_of_a_hundred_are_themselves() -> None:
    assert [amount(percent / 100, 100) for percent in range(1, 101)] == list(range(1, 101))
    assert amount(0.0701, 100) == 8
