"""Ensembles of product models at rest: fitted from recipes, calibrated, and asked again as an ensemble of any other kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from pydantic import Field, field_validator

from aiida_mlhull.science.errors import TooFewLabelsError, WeightsError
from aiida_mlhull.science.products import PRODUCTS
from aiida_mlhull.science.products.base import targets
from aiida_mlhull.science.products.scores import element_movers_distance, spreads_of
from aiida_mlhull.science.representations.composition import SYMBOLS, chemical_system, reduce_formula
from aiida_mlhull.science.types import EnsembleWeights, Recipes
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.strict import Strict

TARGET: Final = "product"
UNIT: Final = "element mover's distance"
DIGITS: Final = 3
"""Decimals of a fraction in the formula of an expected product."""


class ProductSettings(Strict):
    """What is fitted.

    Attributes:
        model: a product model of several members.
        members: of the ensemble.
        epochs: passes over the recipes, for models that have them.
        held_out: share of the chemical systems that no member learns from; they set the scale of the spreads.
    """

    model: str = "reaction_graph"
    members: int = Field(default=5, ge=1)
    epochs: int = Field(default=20, ge=1)
    held_out: float = Field(default=0.1, gt=0, lt=1)

    @field_validator("model")
    @classmethod
    def _keeps_weights(cls, name: str) -> str:
        known = [one for one in PRODUCTS if hasattr(PRODUCTS[one], "restored")]
        if name not in known:
            raise ValueError(
                f"{name!r} is not a product model that is kept as an ensemble; there are {', '.join(known)}"
            )
        return name

    def build(self) -> Any:
        """The model, not fitted."""
        model = PRODUCTS[self.model]
        return model(**{name: getattr(self, name) for name in model.settings})


def fit_products(recipes: Recipes, settings: ProductSettings, *, seed: int) -> EnsembleWeights:
    """Members that have learned from most chemical systems, and how far off they are in the others.

    Args:
        recipes: published ones; those without a target are left out.
        settings: what is fitted.
        seed: of the members, and of the systems that are held out.

    Raises:
        TooFewLabelsError: if the targets are of fewer than two chemical systems.
    """
    known = recipes.take(recipes.formulas != "")
    systems = np.asarray([chemical_system(formula) for formula in known.formulas.tolist()])
    different = np.unique(systems)
    if len(different) < 2:  # noqa: PLR2004
        raise TooFewLabelsError("recipes with targets of two chemical systems or more are needed: some are held out")
    count = min(max(round(settings.held_out * len(different)), 1), len(different) - 1)
    held = np.isin(systems, np.random.default_rng(seed).permutation(different)[:count])
    model = settings.build()
    model.fit(known.take(~held), seed=seed)
    asked = known.take(held)
    said, true = model.members_say(asked), targets(asked)
    away = element_movers_distance(said.mean(axis=0), true)
    spread = float(spreads_of(said).mean())
    return EnsembleWeights(
        model=settings.model,
        settings=settings.model_dump(mode="json"),
        members=tuple(
            replace(one, scores=_scores(element_movers_distance(rows, true)), seed=seed * 1000 + one.seed)
            for one, rows in zip(model.kept(), said, strict=True)
        ),
        target=TARGET,
        unit=UNIT,
        calibration={"factor": float(away.mean()) / spread, "method": "held-out systems"} if spread > 0 else {},
        learned={"elements": sorted({e for one in different for e in one.split("-")}), "rows": int((~held).sum())},
    )


def expect(ensemble: EnsembleWeights, recipes: Recipes) -> Recipes:
    """The recipes with what the ensemble expects of them in place of their targets, which are not looked at.

    Raises:
        WeightsError: if the ensemble is of another kind of model, or misses arrays.
    """
    said = members_say(ensemble, recipes)
    spreads = spreads_of(said) * float(ensemble.calibration.get("factor", 1.0))
    return replace(
        recipes,
        formulas=np.asarray([formula_of(row) for row in said.mean(axis=0)], dtype=np.str_),
        parents=np.full(len(recipes), ""),
        spreads=spreads,
        source=f"expected by {ensemble.model}",
    )


def members_say(ensemble: EnsembleWeights, recipes: Recipes) -> Floats:
    """(m, n, Z) what every member of an ensemble at rest says.

    Raises:
        WeightsError: as :func:`expect`.
    """
    if ensemble.target != TARGET:
        raise WeightsError(f"this ensemble of {ensemble.model} was fitted on {ensemble.target}, not on products")
    try:
        said: Floats = PRODUCTS[ensemble.model].restored(ensemble.members).members_say(recipes)
    except (KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(f"these weights are not those of {ensemble.model}: {error}") from error
    return said


def formula_of(fractions: Floats) -> str:
    """A formula of atomic fractions, rounded to :data:`DIGITS` decimals."""
    rounded = np.round(np.asarray(fractions), DIGITS)
    written = "".join(f"{SYMBOLS[z]}{rounded[z]:.{DIGITS}f}" for z in np.flatnonzero(rounded > 0))
    return reduce_formula(written).formula


def _scores(distances: Floats) -> dict[str, float]:
    """A member's errors in the systems that were held out."""
    return {
        "validation_mae": float(distances.mean()),
        "validation_mse": float(np.square(distances).mean()),
    }
