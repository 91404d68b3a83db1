"""Nodes that keep the science's nouns in AiiDA's graph."""

from aiida_mlhull.data.base import fetch
from aiida_mlhull.data.ensemble import EnsembleData
from aiida_mlhull.data.substitutions import SubstitutionsData
from aiida_mlhull.data.tables import (
    MAX_SHARD_ROWS,
    CandidatesData,
    DecisionsData,
    LabelsData,
    PredictionsData,
    ReactionsData,
    RecipesData,
    ReferencesData,
)
from aiida_mlhull.data.wyckoff import WyckoffData

__all__ = [
    "MAX_SHARD_ROWS",
    "CandidatesData",
    "DecisionsData",
    "EnsembleData",
    "LabelsData",
    "PredictionsData",
    "ReactionsData",
    "RecipesData",
    "ReferencesData",
    "SubstitutionsData",
    "WyckoffData",
    "fetch",
]
