"""The protocols that the package ships say what their engines understand."""

from __future__ import annotations

import pytest

from aiida_mlhull.engines import ENGINES
from aiida_mlhull.science.campaign import campaign_settings, protocol_names


@pytest.mark.parametrize("protocol", protocol_names())
def test_every_stage_says_what_its_engine_takes(protocol: str) -> None:
    for stage in campaign_settings({}, protocol=protocol).stages:
        ENGINES[stage.engine].read_settings(stage)


def test_crystals_are_merged_where_the_next_stage_goes_on_from_their_cells() -> None:
    potential, vasp = campaign_settings({}, protocol="cluster").stages
    assert potential.merge is not None
    assert "MP2020-corrected" in ENGINES[vasp.engine].scheme(vasp, {})
