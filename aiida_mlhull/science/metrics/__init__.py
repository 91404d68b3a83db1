"""Measures of a campaign: arrays in, numbers out. Every docstring names its convention."""

from aiida_mlhull.science.metrics.batches import BatchScore, batch_scores, batches_of
from aiida_mlhull.science.metrics.campaign import CampaignScores, RecallCurve, campaign_scores, recall_curve, true_marks
from aiida_mlhull.science.metrics.classification import Confusion, Errors, confusion, errors, is_stable, on_fixed_hull
from aiida_mlhull.science.metrics.confidence import ConfidenceCurve, confidence_curve, diagnose
from aiida_mlhull.science.metrics.cost import CampaignCost, StageCost
from aiida_mlhull.science.metrics.discovery import DiscoveryCurve, discovery_curve, discovery_curves, lead_changes
from aiida_mlhull.science.metrics.elements import ElementError, errors_by_element
from aiida_mlhull.science.metrics.learning import LabelSpending, PowerLaw, fit_power_law, spend
from aiida_mlhull.science.metrics.rules import RuleScores, score_rules
from aiida_mlhull.science.metrics.stated import StatedErrors, stated
from aiida_mlhull.science.metrics.uncertainty import Calibration, coverage, miscalibration_area, z_scores
from aiida_mlhull.science.metrics.windows import RollingError, StabilityHistogram, rolling_error, stability_histogram

__all__ = [
    "BatchScore",
    "Calibration",
    "CampaignCost",
    "CampaignScores",
    "ConfidenceCurve",
    "Confusion",
    "DiscoveryCurve",
    "ElementError",
    "Errors",
    "LabelSpending",
    "PowerLaw",
    "RecallCurve",
    "RollingError",
    "RuleScores",
    "StabilityHistogram",
    "StageCost",
    "StatedErrors",
    "batch_scores",
    "batches_of",
    "campaign_scores",
    "confidence_curve",
    "confusion",
    "coverage",
    "diagnose",
    "discovery_curve",
    "discovery_curves",
    "errors",
    "errors_by_element",
    "fit_power_law",
    "is_stable",
    "lead_changes",
    "miscalibration_area",
    "on_fixed_hull",
    "recall_curve",
    "rolling_error",
    "score_rules",
    "spend",
    "stability_histogram",
    "stated",
    "true_marks",
    "z_scores",
]
