"""Which stages of a protocol a record can answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.campaign import campaign_settings, protocol_names
from aiida_mlhull.science.campaign.replay import chain_core_minutes, enough_to_start, on_levels, on_record
from aiida_mlhull.science.ensembles import needed_labels
from aiida_mlhull.science.errors import SettingsError, UnknownNameError
from aiida_mlhull.science.types import Labels
from tests.arsenides import simplest


@pytest.mark.parametrize("protocol", protocol_names())
def test_every_protocol_can_be_replayed(protocol):
    overrides, _ = on_record(protocol, seed=5)
    settings = campaign_settings(overrides, protocol=protocol)
    assert settings.stages[-1].engine == "recorded"
    assert settings.seed == 5
    assert [stage.engine for stage in settings.stages].count("recorded") == 1
    assert settings.ensemble == campaign_settings({}, protocol=protocol).ensemble


def test_cheaper_stages_of_the_same_engine_are_left_out_and_named():
    overrides, remarks = on_record("ekstrom-2022")
    assert [stage["name"] for stage in overrides["stages"]] == ["final"]
    assert overrides["stages"][0]["gate"]["rule"] == "two_sigma"
    assert (
        overrides["stages"][0]["core_minutes"] == campaign_settings({}, protocol="ekstrom-2022").stages[-1].core_minutes
    )
    assert [remark.split()[1] for remark in remarks[:2]] == ["preprerelax", "prerelax"]
    assert "recorded instead of potential" in remarks[2]


def test_stages_of_another_engine_stay():
    overrides, remarks = on_record("laptop")
    assert [stage["engine"] for stage in overrides["stages"]] == ["potential", "recorded"]
    assert remarks == []


def test_a_real_engine_keeps_all_stages():
    overrides, remarks = on_record("ekstrom-2022", engine="potential")
    assert [stage["engine"] for stage in overrides["stages"]] == ["potential"] * 3
    assert remarks == []


def test_unknown_protocols_are_named():
    with pytest.raises(UnknownNameError, match="laptop"):
        on_record("fast")


def test_a_share_of_few_candidates_is_raised_to_what_models_need():
    overrides, _ = on_record("ekstrom-2022")
    raised, remarks = enough_to_start({**overrides, "start": 0.03}, protocol="ekstrom-2022", total=100)
    needed = needed_labels(campaign_settings({}, protocol="ekstrom-2022").ensemble)
    assert raised["start"] == needed
    assert "from 3" in remarks[0]
    assert enough_to_start({**overrides, "start": 0.5}, protocol="ekstrom-2022", total=100) == (
        {**overrides, "start": 0.5},
        [],
    )
    assert enough_to_start({**overrides, "start": 3}, protocol="ekstrom-2022", total=needed - 1)[1] == []


def levels(*names: str, measured: bool = True) -> list[Labels]:
    """Levels of the same record with costs 1, 2, ... core-minutes."""
    record = simplest(4).record
    basis = "measured" if measured else "nominal"
    return [
        replace(record, stage=name, core_minutes=np.full(4, float(place)), cost_basis=basis)
        for place, name in enumerate(names, start=1)
    ]


def staged(protocol: str, *args, **more):
    overrides, remarks = on_levels(protocol, *args, **more)
    return campaign_settings(overrides, protocol=protocol).stages, remarks


def test_three_levels_answer_the_three_stages_of_the_published_campaign():
    stages, _ = staged("ekstrom-2022", levels("a", "b", "c"))
    said = campaign_settings({}, protocol="ekstrom-2022").stages
    assert [stage.name for stage in stages] == ["a", "b", "c"]
    assert {stage.engine for stage in stages} == {"recorded"}
    assert [stage.gate for stage in stages] == [stage.gate for stage in said]
    assert [stage.core_minutes for stage in stages] == [None] * 3


def test_levels_between_take_the_last_gate_and_stages_too_many_are_named():
    stages, _ = staged("laptop", levels("a", "b", "c"))
    assert [stage.gate and stage.gate.rule for stage in stages] == [None, "discovery", "discovery"]
    stages, remarks = staged("ekstrom-2022", levels("a", "b"))
    assert [stage.gate and stage.gate.rule for stage in stages] == [None, "two_sigma"]
    assert remarks[-1] == "stages of the protocol without a level are left out: prerelax"


def test_no_model_decides_before_a_first_level_whose_cells_are_not_known():
    stages, remarks = staged("laptop-plain", levels("a", "b"))
    assert [stage.gate and stage.gate.rule for stage in stages] == [None, "discovery"]
    assert "level a is entered by all" in remarks[0]
    alone, _ = staged("laptop-plain", levels("a"))
    assert alone[0].gate.rule == "discovery"
    assert staged("laptop-plain", levels("a"), decide_first=False)[0][0].gate is None


def test_prices_go_before_costs_of_rows_and_these_before_the_protocols():
    assert [stage.core_minutes for stage in staged("ekstrom-2022", levels("a", "b", "c"), prices=[5, 60, 540])[0]] == [
        5,
        60,
        540,
    ]
    nominal, _ = staged("ekstrom-2022", levels("a", "b", "c", measured=False))
    assert [stage.core_minutes for stage in nominal] == [None, None, 605]
    with pytest.raises(SettingsError, match="3 levels, but 2 prices"):
        on_levels("ekstrom-2022", levels("a", "b", "c"), prices=[5, 60])


def test_full_chains_cost_what_rows_or_prices_say():
    assert chain_core_minutes(levels("a", "b"), {}) == 4 * (1 + 2)
    assert chain_core_minutes(levels("a", "b"), {"a": 5.0, "b": None}) == 4 * (5 + 2)
