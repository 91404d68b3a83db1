"""What a campaign is refused for before anything runs."""

from __future__ import annotations

from typing import Any

from aiida import orm

from aiida_mlhull.engines import ENGINES
from aiida_mlhull.science.campaign.settings import CampaignSettings, validated
from aiida_mlhull.science.errors import InputError, listed
from aiida_mlhull.science.hull import check_end_members


def check_settings(settings: orm.Dict, _: Any) -> str | None:
    """Check the campaign's settings, those of its engines included."""
    try:
        campaign = validated(CampaignSettings, settings.get_dict(), what="campaign")
        for stage in campaign.stages:
            ENGINES[stage.engine].read_settings(stage)
    except InputError as error:
        return str(error)
    return None


def check_inputs(inputs: dict[str, Any], _: Any) -> str | None:
    """Check that candidates, references and engines fit together."""
    if not inputs.get("candidates"):
        return "no candidates: give at least one shard"
    campaign = CampaignSettings.model_validate(inputs["settings"].get_dict())
    given = inputs.get("engines", {})
    missing = sorted({stage.engine for stage in campaign.stages if not given.get(stage.engine)})
    if missing:
        return f"inputs for the engines are missing: {listed(f'engines.{name}' for name in missing)}"
    try:
        references = inputs["references"].to_science()
        for shard in inputs["candidates"].values():
            check_end_members(shard.to_science().formulas, references)
    except InputError as error:
        return str(error)
    return None
