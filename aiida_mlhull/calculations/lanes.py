"""The calcfunction that shares a stage's rows out among lanes.

Apart from those of the loop, because AiiDA's caching looks at a calcfunction's whole source file.
"""

from __future__ import annotations

from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.calculations.base import Nodes
from aiida_mlhull.data import CandidatesData, DecisionsData, LabelsData
from aiida_mlhull.science.dft.cost import deal, efforts
from aiida_mlhull.science.ensembles.rows import crystals_of


@calcfunction
def share_out(cells: CandidatesData | LabelsData, chosen: DecisionsData, lanes: orm.Int) -> Nodes:
    """The chosen rows for so many lanes that work side by side, about as much work for each.

    Args:
        cells: the cells that go in.
        chosen: the rows to share out are those that it keeps.
        lanes: how many.
    """
    kept = chosen.to_science()
    kept = kept.take(kept.keep)
    sizes = crystals_of(cells.to_science().select(kept.ids)).n_sites
    shares = deal(efforts(sizes), lanes=lanes.value)
    return {f"lane_{index:03d}": DecisionsData.from_science(kept.take(rows)) for index, rows in enumerate(shares)}
