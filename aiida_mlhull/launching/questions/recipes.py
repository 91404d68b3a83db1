"""Recipes asked of a file, a stored snapshot or a campaign; answers to the last two stay in the graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiida_mlhull.launching import profile, stored
from aiida_mlhull.science.errors import SettingsError

if TYPE_CHECKING:
    from aiida_mlhull.data import EnsembleData, ReactionsData, RecipesData, ReferencesData
    from aiida_mlhull.science.recipes import RecipeSettings, Recommended
    from aiida_mlhull.science.recipes.text_mined import ReadRecipes
    from aiida_mlhull.science.thermochemistry import Conditions
    from aiida_mlhull.science.types import References


def conditions_of(temperature: float | None, atmosphere: str, corrections: str) -> Conditions:
    """Conditions as people write them: ``air``, or partial pressures such as ``O2=0.2,CO2=1e-3``.

    Raises:
        SettingsError: naming what is wrong.
    """
    from aiida_mlhull.science.thermochemistry import conditions

    name: str | dict[str, float] = atmosphere
    if "=" in atmosphere:
        try:
            name = {gas.strip(): float(bar) for gas, _, bar in (part.partition("=") for part in atmosphere.split(","))}
        except ValueError:
            raise SettingsError(f"{atmosphere!r}: pressures are written O2=0.2,CO2=1e-3, in bar") from None
    return conditions({"temperature": temperature or 0.0, "atmosphere": name, "corrections": corrections})


def settings_of(
    *,
    conditions: Conditions,
    precursors: Path | None = None,
    from_literature: int | None = None,
    extra: str = "",
    triples: bool = False,
    no_by_products: bool = False,
    **others: Any,
) -> RecipeSettings:
    """Checked settings.

    Args:
        conditions: temperature and atmosphere.
        precursors: file of formulas to choose from, one per line; what follows a ``#`` is passed over.
        from_literature: choose from what so many published recipes use.
        extra: other elements that precursors may bring, with commas between.
        triples: three precursors in place of two.
        no_by_products: only reactions that give nothing but the target.
        others: more fields of the settings.

    Raises:
        SettingsError: naming what is wrong.
    """
    from aiida_mlhull.science.recipes import RecipeSettings
    from aiida_mlhull.science.types.strict import validated

    values: dict[str, Any] = {
        "conditions": conditions,
        "extra_elements": tuple(filter(None, extra.split(","))),
        "size": 3 if triples else 2,
        "by_products": not no_by_products,
        **others,
    }
    if precursors is not None:
        lines = [line.split("#")[0].strip() for line in precursors.read_text().splitlines()]
        values |= {"source": "list", "precursors": tuple(filter(None, lines))}
    if from_literature is not None:
        values |= {"source": "literature", "at_least": from_literature}
    return validated(RecipeSettings, values, what="recipes")


def fitted_products(name: str, profile_name: str | None) -> EnsembleData | None:
    """The stored ensemble that is named for the forward check; None where a model's name is given.

    Raises:
        InputError: if there is neither such a model nor such a node.
    """
    from aiida_mlhull.science.products import PRODUCTS
    from aiida_mlhull.science.recipes.recommend import NO_CHECK

    if name in PRODUCTS or name == NO_CHECK or not name.replace("-", "").isalnum():
        return None
    profile.load(profile_name)
    return stored.ensemble(name)


def references(name: str) -> References:
    """Energies that people name: a file as ``references import`` takes it, or a stored snapshot."""
    from aiida_mlhull.science.reading import read_references

    if Path(name).is_file():
        return read_references(Path(name), bad_rows="leave_out").references
    return stored.references(name).to_science()


def from_file(
    target: str,
    energies: Path,
    settings: RecipeSettings,
    *,
    literature: ReadRecipes | None = None,
    products: EnsembleData | None = None,
) -> Recommended:
    """Ways to make ``target`` by the energies of a file; nothing is stored."""
    from aiida_mlhull.science.recipes import Literature, recommend

    published = None if literature is None else Literature(literature.recipes)
    fitted = None if products is None else products.to_science()
    return recommend(target, references(str(energies)), settings, literature=published, products=fitted)


def from_graph(
    targets: list[str],
    snapshot: ReferencesData,
    settings: RecipeSettings,
    *,
    predictions: dict[str, Any],
    literature: RecipesData | None = None,
    products: EnsembleData | None = None,
) -> Iterator[ReactionsData]:
    """Ways to make each of ``targets``, one stored table after the other.

    Args:
        targets: formulas.
        snapshot: energies.
        settings: what is asked for.
        predictions: nodes with energies of what was not relaxed, as :func:`of_campaign` gives them.
        literature: published recipes.
        products: for the forward check.
    """
    from aiida import orm

    from aiida_mlhull.calculations.recipes import recommend_reactions

    inputs: dict[str, Any] = {
        "settings": orm.Dict(settings.model_dump(mode="json")),
        "references": snapshot,
        **predictions,
    }
    if literature is not None:
        inputs["literature"] = literature
    if products is not None:
        inputs["products"] = products
    for formula in targets:
        yield recommend_reactions(target=orm.Str(formula), **inputs)


def of_campaign(identifier: str) -> tuple[ReferencesData, list[str], dict[str, Any]]:
    """What a campaign that has ended well gives to ask recipes for.

    Returns:
        A snapshot of its references and results, the formulas of its new phases, and its predictions.

    Raises:
        InputError: if it hasn't ended well.
    """
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.graph.models import prediction_nodes
    from aiida_mlhull.launching.materials.references import from_campaign
    from aiida_mlhull.science.recipes import new_phases

    node = campaigns.find(identifier)
    snapshot, _ = from_campaign(node)
    found = new_phases(snapshot.to_science(), node.inputs.references.to_science())
    return snapshot, found, {f"predictions_{i:06d}": one for i, one in enumerate(prediction_nodes(node.pk))}


def literature_node(name: str, read: ReadRecipes | None) -> RecipesData:
    """Published recipes as a node: what was read from a file, else the stored ones that people name."""
    from aiida_mlhull.data import RecipesData

    if read is not None:
        return RecipesData.from_science(read.recipes, label=Path(name).name).store()
    return stored.recipes(name)
