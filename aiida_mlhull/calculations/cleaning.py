"""Cleaning candidates as a step of the graph: decisions, what is left, and the table of the funnel.

A module of its own, because AiiDA's caching looks at the whole source file of a calcfunction.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.science.cleaning.clean import CleaningSettings, clean, labeled
from aiida_mlhull.science.cleaning.funnel import funnel_steps


@calcfunction
def clean_candidates(settings: orm.Dict, **tables: Any) -> dict[str, Any]:
    """Filter shards of candidates together, labeled where they had no label.

    ``tables`` holds by shard ``candidates``, and may hold ``labels`` (their energies, where known) and
    ``known`` (crystals that need no candidate). Outputs by shard are ``decisions`` and, where anything is
    left, ``clean``; ``funnel`` is the table: how many rows met every filter, how many it dropped.

    Args:
        settings: CleaningSettings.
        **tables: as said above.
    """
    limits = settings_of(settings, CleaningSettings)
    names = sorted(tables["candidates"])
    shards = [labeled(tables["candidates"][name].to_science(), tolerance=limits.tolerance) for name in names]
    energies = [_energies(shard, tables.get("labels", {}).get(name)) for name, shard in zip(names, shards, strict=True)]
    known = [labeled(node.to_science(), tolerance=limits.tolerance) for node in tables.get("known", {}).values()]
    decided = clean(
        shards,
        settings=limits,
        energies=energies,
        known=[label for table in known for label in table.protostructures.tolist()],
    )
    left = {name: shard.take(rows.keep) for name, shard, rows in zip(names, shards, decided, strict=True)}
    return {
        "decisions": {name: DecisionsData.from_science(rows) for name, rows in zip(names, decided, strict=True)},
        "clean": {name: CandidatesData.from_science(shard) for name, shard in left.items() if len(shard)},
        "funnel": orm.Dict({"steps": [asdict(step) | {"left": step.left} for step in funnel_steps(decided)]}),
    }


def _energies(shard: Any, labels: Any) -> Any:
    """(n,) eV/atom, NaN where there is none."""
    found = np.full(len(shard), np.nan)
    if labels is not None:
        table = labels.to_science()
        there = table.has(shard.ids)
        found[there] = table.energies[table.positions(shard.ids[there])]
    return found
