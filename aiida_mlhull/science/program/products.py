"""``mlhull-job fit_products`` and ``predict_products``: what comes out of recipes, learned and asked."""

from __future__ import annotations

from typing import Any

from aiida_mlhull.science.products.ensemble import expect, fit_products
from aiida_mlhull.science.program.facts import versions
from aiida_mlhull.science.program.progress import say
from aiida_mlhull.science.program.settings import EXPECTED_FILE, RECIPES_FILE, FitProductsJob, PredictProductsJob
from aiida_mlhull.science.program.tables import read_ensemble
from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.wire import JobFolder, encode_ensemble
from aiida_mlhull.science.wire.weights import ENSEMBLE_FILE


def fit(folder: JobFolder, job: FitProductsJob) -> tuple[dict[str, int], dict[str, Any]]:
    """Fit an ensemble and write it.

    Returns:
        Row counts by file, and facts for the completion marker.
    """
    recipes = folder.read_table(Recipes, RECIPES_FILE)
    say(f"{job.products.members} members of {job.products.model} learn from {len(recipes)} recipes")
    fitted = fit_products(recipes, job.products, seed=job.seed)
    fitted.versions.update(versions() | {"device": "cpu"})
    for name, content in encode_ensemble(fitted).items():
        folder.write_bytes(name, content)
    return {ENSEMBLE_FILE: len(fitted.members)}, {"device": "cpu", "n_training": fitted.learned["rows"]}


def predict(folder: JobFolder, job: PredictProductsJob) -> tuple[dict[str, int], dict[str, Any]]:  # noqa: ARG001
    """Write the recipes with what is expected of them.

    Returns:
        Row counts by file, and facts for the completion marker.
    """
    ensemble = read_ensemble(folder)
    expected = expect(ensemble, folder.read_table(Recipes, RECIPES_FILE))
    folder.write_table(EXPECTED_FILE, expected)
    return {EXPECTED_FILE: len(expected)}, {"device": "cpu", "n_members": len(ensemble.members)}
