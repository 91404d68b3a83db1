"""Before which gates properties are asked, and which gates an extension leaves as open as they were."""

from __future__ import annotations

from typing import Any

import pytest

from aiida_mlhull.science.campaign import CampaignSettings, campaign_settings
from aiida_mlhull.science.campaign.extension import check_extension, requirements_kept
from aiida_mlhull.science.campaign.file import check_campaign
from aiida_mlhull.science.campaign.plan import jobs_at_most, plan
from aiida_mlhull.science.errors import SettingsError


def settings(*required: dict[str, str] | None) -> CampaignSettings:
    """A stage for each of these: what its gate requires, or None for a stage without a gate."""
    stages = [
        {"name": f"stage_{n}", "engine": "recorded", **({} if one is None else {"gate": {"require": one}})}
        for n, one in enumerate(required)
    ]
    return campaign_settings({"start": 20, "stages": stages, "ensemble": {"members": 2}})


@pytest.mark.parametrize(
    ("required", "before"),
    [
        (({"gap": "> 1"},), [["gap", "mass"]]),
        ((None, {}, {"gap": "> 1"}), [[], ["mass"], ["gap"]]),
        (({"gap": "> 1"}, {"gap": "> 2", "mass": "< 1"}), [["gap"], ["gap", "mass"]]),
        ((None, None), [[], []]),
    ],
)
def test_what_is_required_is_asked_there_and_the_rest_before_the_first_gate(required, before):
    whole = settings(*required)
    assert [whole.properties_before(stage.name, ("mass", "gap")) for stage in whole.stages] == before
    sizes = {"shards": 3, "members_per_job": 1, "rows_per_job": 10}
    jobs = [jobs_at_most(plan(whole, total=100), whole, properties=names, **sizes) for names in ((), ("gap", "mass"))]
    assert jobs[1] - jobs[0] == 3 * sum(map(len, before))


def test_a_gate_that_requires_something_else_is_not_the_same():
    before = settings({"gap": "> 1"}, {}, None)
    assert requirements_kept(before, before) == ["stage_0", "stage_1"]
    assert requirements_kept(before, settings({"gap": "> 2"}, {}, {})) == ["stage_1", "stage_2"]


def test_files_name_ensembles_by_pk_or_label(tmp_path):
    told: dict[str, Any] = {"gap": 12, "metal": "metals of MP"}
    content = {"candidates": str(tmp_path), "references": str(tmp_path), "properties": told}
    expected = {"gap": "12", "metal": "metals of MP"}
    assert check_campaign(content, folder=tmp_path).properties == expected
    assert check_extension({"properties": told}, folder=tmp_path).properties == expected
    with pytest.raises(SettingsError, match=r"properties\.Band gap"):
        check_campaign(content | {"properties": {"Band gap": 12}}, folder=tmp_path)
