"""Substitution probabilities as a step of the graph: a stored table leads back to the crystals that it was mined from.

A module of its own, because AiiDA's caching looks at the whole source file of a calcfunction.
"""

from __future__ import annotations

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.data import CandidatesData, SubstitutionsData
from aiida_mlhull.science.cleaning.clean import labeled
from aiida_mlhull.science.generators.mining import mine_substitutions


@calcfunction
def mine_table(smoothing: orm.Float, **crystals: CandidatesData) -> SubstitutionsData:
    """Mine the table from shards of known crystals, labeled where they had no label.

    Args:
        smoothing: added to every count before rows are normalized.
        **crystals: shards of known crystals.
    """
    shards = [labeled(crystals[key].to_science()) for key in sorted(crystals)]
    labels = np.concatenate([shard.protostructures for shard in shards])
    sources = list(dict.fromkeys(shard.source for shard in shards if shard.source))
    table = mine_substitutions(labels, smoothing=smoothing.value, source=" + ".join(sources))
    return SubstitutionsData.from_science(table)
