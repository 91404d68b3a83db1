"""What comes out of a recipe: models that take precursors (and amounts, where these are known) to a composition."""

from aiida_mlhull.science.products.base import ProductModel, Products
from aiida_mlhull.science.products.scores import (
    confidence_error,
    coverage,
    element_movers_distance,
    product_scores,
    spreads_of,
)
from aiida_mlhull.science.registry import Registry

PRODUCTS = Registry(
    "product model",
    {
        "null": "aiida_mlhull.science.products.null:Null",
        "mass_balance": "aiida_mlhull.science.products.mass_balance:MassBalance",
        "nearest": "aiida_mlhull.science.products.nearest:Nearest",
        "magpie_concat": "aiida_mlhull.science.products.magpie_concat:MagpieConcat",
        "reaction_graph": "aiida_mlhull.science.products.reaction_graph:ReactionGraph",
        "element_trees": "aiida_mlhull.science.products.element_trees:ElementTrees",
        "oxygen_trees": "aiida_mlhull.science.products.oxygen_trees:OxygenTrees",
        "trees": "aiida_mlhull.science.products.trees:Trees",
    },
)

__all__ = [
    "PRODUCTS",
    "ProductModel",
    "Products",
    "confidence_error",
    "coverage",
    "element_movers_distance",
    "product_scores",
    "spreads_of",
]
