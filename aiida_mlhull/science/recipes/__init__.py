"""From a phase on the hull to ways to make it, and what the literature says about them."""

from aiida_mlhull.science.recipes.air import GasReaction, in_air
from aiida_mlhull.science.recipes.literature import Literature, read_recipes
from aiida_mlhull.science.recipes.rankings import RANKINGS
from aiida_mlhull.science.recipes.recommend import RecipeSettings, Recommended, latest, new_phases, recommend

__all__ = [
    "RANKINGS",
    "GasReaction",
    "Literature",
    "RecipeSettings",
    "Recommended",
    "in_air",
    "latest",
    "new_phases",
    "read_recipes",
    "recommend",
]
