"""The calcfunction that makes cells for candidates that were kept as labels.

Apart from those of the loop, because AiiDA's caching looks at a calcfunction's whole source file.
"""

from __future__ import annotations

from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.calculations.base import Nodes
from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.science.campaign.making_cells import make_cells as made_cells
from aiida_mlhull.science.campaign.making_cells import without_cells_not_made


@calcfunction
def make_cells(candidates: CandidatesData, chosen: DecisionsData, pool: DecisionsData, seed: orm.Int) -> Nodes:
    """Cells for the chosen candidates of a shard of labels.

    The outputs are ``cells``, missing if none could be made; ``chosen`` without the candidates that have none, and
    ``pool`` without them.

    Args:
        candidates: a shard.
        chosen: the rows to make cells for are those that it keeps.
        pool: which candidates may enter the stage.
        seed: of cells that are drawn.
    """
    made = made_cells(candidates.to_science(), chosen.to_science(), seed=seed.value)
    left = {
        "chosen": DecisionsData.from_science(made.chosen),
        "pool": DecisionsData.from_science(without_cells_not_made(pool.to_science(), made.chosen)),
    }
    return left if made.cells is None else {**left, "cells": CandidatesData.from_science(made.cells)}
