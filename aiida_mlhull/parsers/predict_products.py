"""Parser ``mlhull.predict_products``: recipes with what is expected of them."""

from __future__ import annotations

from aiida import orm

from aiida_mlhull.data import RecipesData
from aiida_mlhull.parsers.base import JobParser
from aiida_mlhull.science.program.settings import EXPECTED_FILE
from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.wire import decode_table


class PredictProductsParser(JobParser):
    """One row for every recipe."""

    def read(self) -> tuple[dict[str, orm.Data], dict[str, int]]:
        """The recipes."""
        expected = decode_table(Recipes, self.content(EXPECTED_FILE), name=EXPECTED_FILE)
        return {"expected": RecipesData.from_science(expected)}, {EXPECTED_FILE: len(expected)}

    def expected(self) -> int:
        """Recipes that were asked about."""
        return int(self.node.inputs.recipes.n_rows)
