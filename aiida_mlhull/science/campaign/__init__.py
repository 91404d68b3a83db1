"""The loop's decisions, results and final account as pure functions; the AiiDA layer only calls them in turn."""

from aiida_mlhull.science.campaign.account import summarize
from aiida_mlhull.science.campaign.decisions import (
    check_start,
    choose_start,
    decide_round,
    enter_first_stage,
    enter_next_stage,
    still_waiting,
)
from aiida_mlhull.science.campaign.merging import merge_same
from aiida_mlhull.science.campaign.outcomes import final_heights, final_outcomes, funnel
from aiida_mlhull.science.campaign.results import failed, on_hull, portions, recorded, results_of, taken_over
from aiida_mlhull.science.campaign.settings import (
    CampaignSettings,
    GateSettings,
    MergeSettings,
    StageSettings,
    campaign_settings,
    load_protocol,
    protocol_names,
)
from aiida_mlhull.science.campaign.stopping import assess, claims

__all__ = [
    "CampaignSettings",
    "GateSettings",
    "MergeSettings",
    "StageSettings",
    "assess",
    "campaign_settings",
    "check_start",
    "choose_start",
    "claims",
    "decide_round",
    "enter_first_stage",
    "enter_next_stage",
    "failed",
    "final_heights",
    "final_outcomes",
    "funnel",
    "load_protocol",
    "merge_same",
    "on_hull",
    "portions",
    "protocol_names",
    "recorded",
    "results_of",
    "still_waiting",
    "summarize",
    "taken_over",
]
