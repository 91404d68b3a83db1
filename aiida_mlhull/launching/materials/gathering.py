"""Results of finished calculations in the graph are made by a process, so that what becomes of them is their descendant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiida.engine import ProcessBuilder

    from aiida_mlhull.data import CandidatesData, LabelsData
    from aiida_mlhull.launching.materials.existing import FinishedRuns


def gathered_from_runs(
    builder: ProcessBuilder, nodes: Mapping[str, Any], runs: Mapping[str, FinishedRuns]
) -> dict[str, LabelsData]:
    """The results that a campaign begins with, by stage; those out of the graph's calculations made from these.

    Args:
        builder: of the campaign, with its final shards; what is made takes its place among the earlier results.
        nodes: of the campaign, with ``results`` as they were read before the launch.
        runs: the calculations that results were read from, by stage.
    """
    results: dict[str, LabelsData] = dict(nodes.get("results", {}))
    made = {stage: _gathered(results[stage], runs[stage], builder["candidates"]) for stage in results if stage in runs}
    if made:
        there = {stage: dict(tables) for stage, tables in builder["earlier"]["results"].items()}
        for stage, node in made.items():
            there[stage] = {key: node if one is results[stage] else one for key, one in there[stage].items()}
        builder["earlier"]["results"] = there
    return results | made


def _gathered(before: LabelsData, runs: FinishedRuns, shards: Mapping[str, CandidatesData]) -> LabelsData:
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
