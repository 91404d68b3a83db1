"""The nouns: frozen tables with shape and unit beside every field."""

from aiida_mlhull.science.types.crystals import Crystals
from aiida_mlhull.science.types.ensemble import EnsembleWeights, MemberWeights
from aiida_mlhull.science.types.recipes import Reactions, Recipes
from aiida_mlhull.science.types.substitutions import Substitutions
from aiida_mlhull.science.types.table import Table, concatenate, first_of_each
from aiida_mlhull.science.types.tables import (
    Candidates,
    Decisions,
    Labels,
    ModelRows,
    Predictions,
    References,
    TrainingRows,
)
from aiida_mlhull.science.types.wyckoff import Wyckoff

__all__ = [
    "Candidates",
    "Crystals",
    "Decisions",
    "EnsembleWeights",
    "Labels",
    "MemberWeights",
    "ModelRows",
    "Predictions",
    "Reactions",
    "Recipes",
    "References",
    "Substitutions",
    "Table",
    "TrainingRows",
    "Wyckoff",
    "concatenate",
    "first_of_each",
]
