"""Inputs of campaigns on real rows, spelled out: tests don't depend on what a protocol recommends today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def campaign_inputs(
    code: Any,
    excerpt: Any,
    settings: Mapping[str, Any],
    *,
    engines: Mapping[str, Mapping[str, Any]] | None = None,
    n_shards: int = 2,
) -> dict[str, Any]:
    """Inputs of the campaign's WorkChain; the record answers unless ``engines`` say otherwise."""
    from aiida import orm

    from aiida_mlhull.data import CandidatesData, LabelsData, ReferencesData
    from aiida_mlhull.science.campaign import campaign_settings

    whole = campaign_settings(settings)
    size = -(-len(excerpt.candidates) // n_shards)
    shards = {
        f"shard_{index:03d}": range(first, min(first + size, len(excerpt.candidates)))
        for index, first in enumerate(range(0, len(excerpt.candidates), size))
    }
    return {
        "code": code,
        "candidates": {key: CandidatesData.from_science(excerpt.candidates.take(rows)) for key, rows in shards.items()},
        "references": ReferencesData.from_science(excerpt.references),
        "engines": engines or {"recorded": {"record": LabelsData.from_science(excerpt.record)}},
        "settings": orm.Dict(whole.model_dump(mode="json")),
        "jobs": orm.Dict({"members_per_job": whole.ensemble.members}),
        "metadata": {"label": whole.name},
    }
