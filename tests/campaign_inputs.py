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
        "jobs": orm.Dict({"members_per_job": max(one.members for one in whole.by_name.values())}),
        "metadata": {"label": whole.name},
    }


def potential_then_record(
    code: Any, excerpt: Any, *, rounds: int, batch: int, seed: int, n_shards: int = 2
) -> dict[str, Any]:
    """Inputs of a campaign in which a potential relaxes all, models of two members choose, and a record answers."""
    from aiida_mlhull.data import LabelsData

    relaxation = {"freedom": "full", "max_force": 0.1, "max_steps": 40}
    gate = {"rule": "two_sigma", "rounds": rounds, "batch": batch}
    stages = [
        {"name": "potential", "engine": "potential", "settings": {"relaxation": relaxation}},
        {"name": "final", "engine": "recorded", "core_minutes": 605, "gate": gate},
    ]
    settings = {"seed": seed, "start": 16, "stages": stages, "ensemble": {"members": 2}}
    engines = {"potential": {"code": code}, "recorded": {"record": LabelsData.from_science(excerpt.record)}}
    return campaign_inputs(code, excerpt, settings, engines=engines, n_shards=n_shards)
