"""Recommended reactions as a step of the graph: they lead back to the energies, recipes and settings behind them.

A module of its own, because AiiDA's caching looks at the whole source file of a calcfunction.
"""

from __future__ import annotations

from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import EnsembleData, PredictionsData, ReactionsData, RecipesData, ReferencesData
from aiida_mlhull.science.recipes import Literature, RecipeSettings, latest, recommend


@calcfunction
def recommend_reactions(
    target: orm.Str,
    settings: orm.Dict,
    references: ReferencesData,
    literature: RecipesData | None = None,
    products: EnsembleData | None = None,
    **predictions: PredictionsData,
) -> ReactionsData:
    """Ways to make a target, ranked.

    Args:
        target: formula of the compound to be made.
        settings: RecipeSettings: precursors, atmosphere, temperature, ranking.
        references: known phases.
        literature: recipes that were published.
        products: of a product model, for the forward check.
        predictions: energies that are not certain, the oldest first; what is among the references by now is certain.
    """
    known = references.to_science()
    said = latest([predictions[key].to_science() for key in sorted(predictions)])
    uncertain = None if said is None else said.without(known.ids.tolist())
    made = recommend(
        target.value,
        known,
        settings_of(settings, RecipeSettings),
        literature=None if literature is None else Literature(literature.to_science()),
        predictions=uncertain if uncertain is not None and len(uncertain) else None,
        products=None if products is None else products.to_science(),
    )
    return ReactionsData.from_science(made.reactions)
