"""A campaign file is checked as a whole, and the message says what is known instead."""

from __future__ import annotations

from typing import Any

import pytest

from aiida_mlhull.science.campaign import campaign_settings, load_protocol, protocol_names
from aiida_mlhull.science.campaign.settings import CampaignSettings, changed, protocol_table
from aiida_mlhull.science.ensembles import needed_labels
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
        ({"stages": STAGES, "start": "3 percent"}, "start: '3 percent' is neither a number .* 60, nor a share .* 3%"),
        ({"stages": STAGES, "start": True}, "start: True is neither"),
        ({"stages": STAGES, "start": "140%"}, "start: '140%' is neither"),
        ({"stages": [{**STAGES[0], "gate": {"rounds": "many"}}]}, r"stages\.final\.gate\.rounds: .*\(here: 'many'\)"),
        ({"stages": [{**STAGES[0], "gate": {"batsh": 2}}]}, r"stages\.final\.gate\.batsh: .*did you mean 'batch'\?"),
        ({"stages": STAGES, "ensemble": {"models": "cgat"}}, r"ensemble\.models: unknown key .*did you mean 'model'\?"),
        ({"stages": STAGES, "ensemble": {"model": "tree_gp"}}, "did you mean 'trees_gp'"),
    ],
)
def test_wrong_settings_are_refused_by_name(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        campaign_settings(wrong)


TWO = {"wren": {"model": "wren", "members": 3}, "cgcnn_d": {"model": "cgcnn", "cells": "both"}}
COMMITTEE = {**STAGES[0], "gate": {"rule": "committee"}}


def test_several_ensembles_take_the_place_of_a_protocols_single_one() -> None:
    overrides = {"ensembles": TWO, "stages": {"final": {"gate": {"rule": "committee"}}}}
    settings = campaign_settings(overrides, protocol="laptop-plain")
    assert settings.ensemble is None
    assert list(settings.by_name) == ["cgcnn_d", "wren"]
    assert settings.models == "cgcnn_d: 5 x cgcnn, wren: 3 x wren"
    assert settings.by_name["cgcnn_d"].blind_members == 0  # nothing of the protocol's ensemble
    again = CampaignSettings.model_validate(settings.model_dump(mode="json"))
    assert again == settings


def test_a_single_ensemble_has_no_name_and_takes_the_place_of_several() -> None:
    settings = campaign_settings({"stages": STAGES})
    assert list(settings.by_name) == [""]
    assert (settings.models, settings.kinds_of_models) == ("5 x trees_gp", "trees_gp")
    stored = campaign_settings({"stages": [COMMITTEE], "ensembles": TWO}).model_dump(mode="json")
    single = changed(stored, {"ensemble": {"model": "roost"}}, what="campaign")
    assert CampaignSettings.model_validate(single).models == "5 x roost"
    more = changed(stored, {"ensembles": {"wren": {"members": 4}}}, what="campaign")
    assert CampaignSettings.model_validate(more).models == "cgcnn_d: 5 x cgcnn, wren: 4 x wren"


def test_settings_of_before_there_were_names_mean_a_single_one() -> None:
    stored = campaign_settings({"stages": STAGES, "ensemble": {"members": 2}}).model_dump(mode="json")
    del stored["ensembles"]
    assert CampaignSettings.model_validate(stored).by_name[""].members == 2


def test_a_gate_asks_those_that_it_names() -> None:
    first = {"name": "first", "engine": "recorded", "gate": {"rule": "two_sigma", "ensembles": ["wren"]}}
    settings = campaign_settings({"stages": [first, COMMITTEE], "ensembles": TWO})
    assert list(settings.asked_before("first")) == ["wren"]
    assert list(settings.asked_before("final")) == ["cgcnn_d", "wren"]
    assert settings.needed_labels == max(needed_labels(one) for one in settings.by_name.values())


RECALL = {"rule": "committee", "rule_settings": {"rule": "recall_target"}}
SIZES = {"rule": "committee", "rule_settings": {"sizes": [2, 3]}}
VIEWS = {"a": {}, "b": {"views": [{"energies": [1]}]}}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"stages": STAGES, "ensemble": {}, "ensembles": TWO}, "give one of the two"),
        ({"stages": STAGES, "ensemble": None}, "no ensemble"),
        ({"stages": STAGES, "ensembles": {"a__b": {}}}, "ensembles.a__b"),
        ({"stages": STAGES, "ensembles": {"a": {"model": "tree_gp"}}}, "ensembles.a: .*did you mean 'trees_gp'"),
        ({"stages": STAGES, "ensembles": {"a": {"models": "cgat"}}}, r"ensembles\.a\.models: unknown key"),
        (
            {"stages": [{**STAGES[0], "gate": {}}], "ensembles": TWO},
            "two_sigma before stage final goes by one ensemble",
        ),
        ({"stages": [{**STAGES[0], "gate": {"ensembles": ["x"]}}], "ensembles": TWO}, r"x \(cgcnn_d, wren\)"),
        ({"stages": [{**STAGES[0], "gate": {"ensembles": ["x"]}}]}, "none has a name"),
        ({"stages": [{**STAGES[0], "gate": SIZES}], "ensembles": TWO}, "leave the committee's 'sizes' out"),
        ({"stages": [{**STAGES[0], "gate": RECALL}], "ensembles": TWO}, "promises a recall"),
        (
            {"stages": [{**STAGES[0], "name": "first"}, COMMITTEE], "ensembles": VIEWS},
            "looks at energy 1 of stage first",
        ),
    ],
)
def test_wrong_ensembles_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        campaign_settings(wrong)


def test_an_unknown_protocol_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="known: cluster, .*ekstrom-2022, .*laptop, .*potential$"):
        campaign_settings({}, protocol="magic")
    with pytest.raises(UnknownNameError, match="did you mean 'laptop'"):
        campaign_settings({}, protocol="Laptob")


def test_overrides_are_merged_into_the_protocol() -> None:
    settings = campaign_settings({"ensemble": {"members": 3}}, protocol="ekstrom-2022")
    assert (settings.ensemble.model, settings.ensemble.members) == ("cgcnn", 3)


def test_stages_are_told_by_name_what_differs() -> None:
    changes = {"final": {"gate": {"batch": 20}}, "potential": {"settings": {"relaxation": {"max_steps": 7}}}}
    settings = campaign_settings({"stages": changes}, protocol="laptop")
    potential, final = settings.stages
    assert potential.settings["relaxation"] == {"freedom": "full", "max_force": 0.05, "max_steps": 7}
    assert final.gate is not None
    assert (final.gate.batch, final.gate.rule, final.gate.rounds) == (20, "discovery", 60)


def test_a_stage_of_another_engine_forgets_the_settings_of_the_one_before() -> None:
    vasp = {"final": {"engine": "vasp", "settings": {"protocol": "mp-compatible"}}}
    final = campaign_settings({"stages": vasp}, protocol="laptop").stages[-1]
    assert (final.engine, final.settings, final.core_minutes) == ("vasp", {"protocol": "mp-compatible"}, None)
    assert final.gate is not None


@pytest.mark.parametrize("wrong", [{"finl": {}}, {"final": 20}])
def test_changes_of_stages_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="no stage 'finl' .*did you mean 'final'|final: expected keys and values"):
        campaign_settings({"stages": wrong}, protocol="laptop")


def test_percents_are_shares() -> None:
    assert campaign_settings({"start": "3%", "budget": "12.5 %"}, protocol="laptop").start == 0.03
    assert campaign_settings({"stages": STAGES, "budget": "12.5 %"}).budget == 0.125


def test_every_protocol_in_a_line() -> None:
    rows = {row["name"]: row for row in protocol_table()}
    assert list(rows) == protocol_names()
    assert rows["laptop"]["stages"] == ["potential", "recorded"]
    assert (rows["laptop"]["models"], rows["potential"]["models"]) == ("4 x trees_gp", "")


def test_amounts_are_counts_or_shares() -> None:
    assert [amount(value, 10) for value in (3, 30, 0.25, 1.0)] == [3, 10, 3, 10]


def test_whole_percents_of_a_hundred_are_themselves() -> None:
    assert [amount(percent / 100, 100) for percent in range(1, 101)] == list(range(1, 101))
    assert amount(0.0701, 100) == 8
