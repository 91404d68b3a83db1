"""Results that are in the graph already are taken by a process, so that what becomes of them is their descendant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiida.engine import ProcessBuilder

    from aiida_mlhull.data import CandidatesData, LabelsData
    from aiida_mlhull.launching.materials.existing import FinishedRuns, StoredTables


def gathered(
    builder: ProcessBuilder, nodes: Mapping[str, Any], origins: Mapping[str, FinishedRuns | StoredTables]
) -> dict[str, LabelsData]:
    """The results that a campaign begins with, by stage; those out of the graph made from what is there.

    Args:
        builder: of the campaign, with its final shards; what is made takes its place among the earlier results.
        nodes: of the campaign, with ``results`` as they were read before the launch.
        origins: what in the graph results were read from, by stage.
    """
    from aiida_mlhull.launching.materials.existing import FinishedRuns

    results: dict[str, LabelsData] = dict(nodes.get("results", {}))
    made = {}
    for stage, origin in origins.items():
        if stage in results:
            before, shards = results[stage], builder["candidates"]
            if isinstance(origin, FinishedRuns):
                made[stage] = _of_runs(before, origin, shards)
            else:
                made[stage] = _of_tables(before, origin, shards)
    if made:
        there = {stage: dict(tables) for stage, tables in builder["earlier"]["results"].items()}
        for stage, node in made.items():
            there[stage] = {key: node if one is results[stage] else one for key, one in there[stage].items()}
        builder["earlier"]["results"] = there
    return results | made


def _of_runs(before: LabelsData, runs: FinishedRuns, shards: Mapping[str, CandidatesData]) -> LabelsData:
    import numpy as np
    from aiida import orm

    from aiida_mlhull.calculations.gathering import gather_results

    ids = sorted(runs.folders)
    own = np.asarray(ids, dtype=np.str_)
    given: dict[str, Any] = {f"run_{place:05d}": runs.folders[name] for place, name in enumerate(ids)}
    given |= {key: node for key, node in shards.items() if node.to_science().has(own).any()}
    left_out = own[~before.to_science().has(own)].tolist()
    made: LabelsData = gather_results(orm.List(ids), orm.Dict({**runs.settings, "left_out": left_out}), **given)
    return made


def _of_tables(before: LabelsData, stored: StoredTables, shards: Mapping[str, CandidatesData]) -> LabelsData:
    import numpy as np
    from aiida import orm

    from aiida_mlhull.calculations.gathering import gather_tables

    ids = np.unique(np.concatenate([node.to_science().ids for node in stored.tables]))
    given: dict[str, Any] = {f"table_{place:05d}": node for place, node in enumerate(stored.tables)}
    given |= {key: node for key, node in shards.items() if node.to_science().has(ids).any()}
    left_out = ids[~before.to_science().has(ids)].tolist()
    made: LabelsData = gather_tables(orm.Dict({**stored.settings, "left_out": left_out}), **given)
    return made
