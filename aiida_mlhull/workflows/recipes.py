"""Recipes for the phases that a campaign has put on the hull, as steps of the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiida import orm

from aiida_mlhull.calculations.recipes import recommend_reactions
from aiida_mlhull.calculations.snapshot import extend_references
from aiida_mlhull.data import PredictionsData, ReactionsData
from aiida_mlhull.science.errors import MlhullError
from aiida_mlhull.science.recipes import new_phases
from aiida_mlhull.science.representations.composition import reduce_formula


def recipes_for_new_phases(
    inputs: Mapping[str, Any], results: Mapping[str, Any], *, said: Sequence[PredictionsData]
) -> Iterator[tuple[str, ReactionsData | str]]:
    """Every new phase by its formula, and ways to make it, or why nothing could be asked.

    Args:
        inputs: of the campaign: ``references``, ``settings``, ``recipes``, and ``literature`` if there is any.
        results: of the last stage, by shard.
        said: what models have predicted, the oldest first.
    """
    known = inputs["references"]
    source = orm.Str(f"campaign {inputs['settings']['name']}")
    literature = {"literature": inputs["literature"]} if "literature" in inputs else {}
    tables = {f"predictions_{i:06d}": node for i, node in enumerate(said)}
    try:
        snapshot = extend_references(known, source, **results)
    except MlhullError as error:
        yield "all", str(error)
        return
    for formula in new_phases(snapshot.to_science(), known.to_science()):
        target = orm.Str(formula)
        try:
            answer = recommend_reactions(target, inputs["recipes"], snapshot, **literature, **tables)
        except MlhullError as error:
            yield formula, str(error)
        else:
            yield reduce_formula(formula).formula, answer
