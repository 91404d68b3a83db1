"""CalcJobs ``mlhull.fit_products`` and ``mlhull.predict_products``, run for real."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.calculations.products import FitProductsCalculation, PredictProductsCalculation
from aiida_mlhull.data import EnsembleData, RecipesData
from aiida_mlhull.science.products.ensemble import ProductSettings, expect, fit_products
from tests.docs.pages import on_the_page
from tests.science.products.test_products import PUBLISHED, recipes

SETTINGS = {"model": "magpie_concat", "members": 2, "held_out": 0.4}


def test_recipes_to_an_ensemble_to_expected_products(code, ensemble):
    known, asked = recipes(*PUBLISHED), recipes(*PUBLISHED[24:])
    words = {
        "mlhull-job@localhost": code.full_label,
        "PK": str(RecipesData.from_science(known).store().pk),
        '{"model": "reaction_graph", "members": 5, "epochs": 20}': repr(SETTINGS),
        "seed=0": "seed=3",
    }
    outputs = on_the_page("docs/how-to/recipes.md", "tests/calculations/test_products.py", words=words)["made"]
    made = outputs["ensemble"]
    assert made.creator.is_finished_ok, made.creator.exit_message
    assert made.base.attributes.get("target") == "product"
    assert "calibrated by held-out systems" in made.description
    here = fit_products(known, ProductSettings(**SETTINGS), seed=3)
    assert made.to_science().calibration == here.calibration

    outputs, node = run_get_node(
        PredictProductsCalculation, code=code, recipes=RecipesData.from_science(asked), ensemble=made
    )
    assert node.is_finished_ok, node.exit_message
    expected, direct = outputs["expected"].to_science(), expect(here, asked)
    assert expected.formulas.tolist() == direct.formulas.tolist()
    np.testing.assert_array_equal(expected.spreads, direct.spreads)
    assert outputs["results"]["n_members"] == 2

    query = orm.QueryBuilder().append(RecipesData, filters={"uuid": outputs["expected"].uuid}, tag="expected")
    query.append(orm.CalcJobNode, with_outgoing="expected", tag="job")
    query.append(EnsembleData, with_outgoing="job", project="uuid")
    assert query.all(flat=True) == [made.uuid]

    with pytest.raises(ValueError, match="mlhull.fit_products"):
        run_get_node(PredictProductsCalculation, code=code, recipes=RecipesData.from_science(asked), ensemble=ensemble)


def test_models_without_members_are_refused_before_anything_is_stored(code):
    with pytest.raises(ValueError, match="magpie_concat, reaction_graph"):
        run_get_node(
            FitProductsCalculation,
            code=code, recipes=RecipesData.from_science(recipes(*PUBLISHED[:4])),
            settings=orm.Dict({"model": "nearest"}), seed=orm.Int(3),
        )  # fmt: skip
