"""Which stages of a protocol a record can answer."""

from __future__ import annotations

import pytest

from aiida_mlhull.science.campaign import campaign_settings, protocol_names
from aiida_mlhull.science.campaign.replay import enough_to_start, on_record
from aiida_mlhull.science.ensembles import needed_labels
from aiida_mlhull.science.errors import UnknownNameError


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
