"""Recommended reactions in the graph are those that Python gives, and lead back to energies, recipes and settings."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm

from aiida_mlhull.calculations.recipes import recommend_reactions
from aiida_mlhull.data import PredictionsData, ReactionsData, RecipesData, ReferencesData
from aiida_mlhull.science.recipes import Literature, RecipeSettings, recommend
from aiida_mlhull.science.types import Predictions
from tests.science.recipes.conftest import published, titanates

__all__ = ["published", "titanates"]

pytestmark = pytest.mark.usefixtures("aiida_profile")


def test_reactions_lead_back_to_what_they_follow_from(titanates, published):
    settings = RecipeSettings(extra_elements=("C",), top=5, samples=50)
    beliefs = Predictions.from_rows(
        ids=["Ba2TiO4", "guess"], formulas=["Ba2TiO4", "BaTi2O5"], members=np.asarray([[-3.2], [-3.39]]),
        member_aleatoric=np.asarray([[0.05], [0.05]]),
    )  # fmt: skip
    literature = RecipesData.from_science(published).store()
    found, process = recommend_reactions.run_get_node(
        target=orm.Str("BaTiO3"),
        settings=orm.Dict(settings.model_dump(mode="json")),
        references=ReferencesData.from_science(titanates),
        literature=literature,
        predictions_000000=PredictionsData.from_science(beliefs),
    )
    assert process.is_finished_ok
    assert process.process_type == "aiida.calculations:mlhull.recommend_reactions"
    expected = recommend(
        "BaTiO3", titanates, settings, literature=Literature(published), predictions=beliefs.select(["guess"])
    )  # the reference Ba2TiO4 was relaxed since it was predicted
    table = found.to_science()
    assert table.equations.tolist() == expected.reactions.equations.tolist()
    np.testing.assert_array_equal(table.gamma_std, expected.reactions.gamma_std)
    assert (table.gamma_std > 0).any()
    assert table.predicted.tolist() == expected.reactions.predicted.tolist()
    facts = found.base.attributes.all
    assert facts["ranking"] == "selectivity"
    assert facts["n_deepest"] == int(table.deepest.sum())
    assert found.description.startswith("5 reactions to 1 target")
    query = orm.QueryBuilder().append(RecipesData, filters={"uuid": literature.uuid}, tag="recipes")
    query.append(orm.CalcFunctionNode, with_incoming="recipes", tag="step")
    query.append(ReactionsData, with_incoming="step", project="uuid")
    assert query.all(flat=True) == [found.uuid]


def test_recipes_are_kept_whole(published):
    node = RecipesData.from_science(published).store()
    again = node.to_science()
    assert again.precursors.tolist() == published.precursors.tolist()
    np.testing.assert_array_equal(again.temperatures, published.temperatures)
    assert node.base.attributes.get("kinds") == {"solid_state": 5}
    assert node.base.attributes.get("n_with_amounts") == 4
