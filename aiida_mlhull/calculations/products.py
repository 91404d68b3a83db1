"""CalcJobs ``mlhull.fit_products`` and ``mlhull.predict_products``: what comes out of recipes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm

from aiida_mlhull import names
from aiida_mlhull.calculations.base import Files, MlhullJob, table
from aiida_mlhull.calculations.ports import plain_input
from aiida_mlhull.data import EnsembleData, RecipesData
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.products.ensemble import TARGET
from aiida_mlhull.science.program.settings import EXPECTED_FILE, RECIPES_FILE, FitProductsJob, PredictProductsJob
from aiida_mlhull.science.wire.weights import ENSEMBLE_FILE, member_file


class FitProductsCalculation(MlhullJob):
    """Fit an ensemble of a product model on published recipes, and calibrate it in systems that it has not seen."""

    _parser: ClassVar[str] = names.FIT_PRODUCTS.entry_point

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs and outputs."""
        super().define(spec)
        spec.input("recipes", valid_type=RecipesData, help="Published recipes.")
        plain_input(spec, "settings", orm.Dict, help="ProductSettings.")
        plain_input(spec, "seed", orm.Int, help="The ensemble's only source of chance.")
        spec.output("ensemble", valid_type=EnsembleData, help="All members.")

    @classmethod
    def describe(cls, inputs: Mapping[str, Any], **shared: Any) -> FitProductsJob:
        """What ``job.json`` says."""
        asked = {"products": inputs["settings"].get_dict(), "seed": inputs["seed"].value}
        return FitProductsJob.model_validate(asked | shared)

    @classmethod
    def check(cls, inputs: Mapping[str, Any]) -> None:
        """Refuse a table of no recipes."""
        if not inputs["recipes"].n_rows:
            raise InputError("there are no recipes to learn from")

    @classmethod
    def files(cls, inputs: Mapping[str, Any]) -> Files:
        """The recipes."""
        return [table(inputs["recipes"], RECIPES_FILE)]

    @classmethod
    def result_files(cls, inputs: Mapping[str, Any]) -> list[str]:
        """The ensemble's description, and a file for each member."""
        members = cls.describe(inputs).products.members
        return [ENSEMBLE_FILE, *(member_file(place) for place in range(members))]


class PredictProductsCalculation(MlhullJob):
    """Recipes with what an ensemble expects of them, and by how much it may be off."""

    _parser: ClassVar[str] = names.PREDICT_PRODUCTS.entry_point

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs and outputs."""
        super().define(spec)
        spec.input("ensemble", valid_type=EnsembleData, help="What mlhull.fit_products made.")
        spec.input("recipes", valid_type=RecipesData, help="Whose products are asked for; targets are not looked at.")
        spec.output("expected", valid_type=RecipesData, help="The same recipes with expected products and spreads.")

    @classmethod
    def describe(cls, inputs: Mapping[str, Any], **shared: Any) -> PredictProductsJob:  # noqa: ARG003
        """What ``job.json`` says."""
        return PredictProductsJob.model_validate(shared)

    @classmethod
    def check(cls, inputs: Mapping[str, Any]) -> None:
        """Refuse ensembles of other models."""
        target = inputs["ensemble"].base.attributes.get("target")
        if target != TARGET:
            raise InputError(f"this ensemble was fitted on {target}, not on products: fit one by mlhull.fit_products")

    @classmethod
    def files(cls, inputs: Mapping[str, Any]) -> Files:
        """The recipes and the ensemble."""
        ensemble = inputs["ensemble"]
        weights = ensemble.base.repository.list_object_names()
        return [table(inputs["recipes"], RECIPES_FILE), *((ensemble.uuid, name, name) for name in weights)]

    @classmethod
    def result_files(cls, inputs: Mapping[str, Any]) -> list[str]:  # noqa: ARG003  (others depend on them)
        """The recipes with what is expected of them."""
        return [EXPECTED_FILE]
