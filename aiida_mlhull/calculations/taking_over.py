"""The calcfunctions by which a campaign takes over what an earlier one has calculated.

Apart from those of the loop, because AiiDA's caching looks at a calcfunction's whole source file.
"""

from __future__ import annotations

from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.calculations.base import Nodes
from aiida_mlhull.data import CandidatesData, DecisionsData, LabelsData
from aiida_mlhull.science import campaign


@calcfunction
def take_over(candidates: CandidatesData, retry: orm.List, **tables: LabelsData) -> Nodes:
    """An earlier campaign's results of one stage for the candidates of a shard, as ``labels``; nothing if there are none.

    Args:
        candidates: a shard.
        retry: codes of reasons of failure that are to be tried again.
        **tables: results of the stage; of rows that several tables have, the one whose name sorts last counts.
    """
    found = campaign.taken_over(
        candidates.to_science(),
        [tables[name].to_science() for name in sorted(tables)],
        retry=retry.get_list(),
    )
    return {} if found is None else {"labels": LabelsData.from_science(found)}


@calcfunction
def pick_results(chosen: DecisionsData, **tables: LabelsData) -> Nodes:
    """The rows of these results that decisions keep, as ``labels``; nothing if there are none.

    Args:
        chosen: decisions about a shard.
        **tables: results without a row in common.
    """
    found = campaign.results_of(chosen.to_science(), [table.to_science() for table in tables.values()])
    return {} if found is None else {"labels": LabelsData.from_science(found)}
