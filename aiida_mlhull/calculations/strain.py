"""Strain as steps of the graph: the grid of strained cells, and what their relaxation says.

A module of its own, because AiiDA's caching looks at the whole source file of a calcfunction.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import CandidatesData, DecisionsData, LabelsData, ReferencesData
from aiida_mlhull.science.strain.grid import StrainSettings, strain_grid
from aiida_mlhull.science.strain.response import responses
from aiida_mlhull.science.types import Decisions
from aiida_mlhull.science.types.reasons import Reason


@calcfunction
def make_strain_grid(crystals: CandidatesData, settings: orm.Dict) -> dict[str, Any]:
    """Every crystal at every point of the grid: ``cells``, and ``chosen``, which takes all of them.

    Args:
        crystals: unstrained cells.
        settings: StrainSettings.
    """
    grid = strain_grid(crystals.to_science(), settings_of(settings, StrainSettings))
    zeros = np.zeros(len(grid))
    chosen = Decisions(
        ids=grid.ids,
        formulas=grid.formulas,
        keep=np.ones(len(grid), dtype=bool),
        reasons=np.full(len(grid), Reason.OPEN.value),
        values=zeros,
        thresholds=zeros,
        margins=zeros,
        scores=zeros,
        rule="strain",
        unit="",
    )
    return {"cells": CandidatesData.from_science(grid), "chosen": DecisionsData.from_science(chosen)}


@calcfunction
def measure_strain(
    crystals: CandidatesData, labels: LabelsData, settings: orm.Dict, references: ReferencesData | None = None
) -> orm.Dict:
    """Energies, bonds, slopes and, with references, heights above the hull, by crystal in their order.

    Args:
        crystals: unstrained cells.
        labels: results of the grid.
        settings: StrainSettings.
        references: known phases, for the hull.
    """
    grid = settings_of(settings, StrainSettings)
    found = responses(
        labels.to_science(),
        grid,
        names=crystals.to_science().ids.tolist(),
        references=None if references is None else references.to_science(),
    )
    return orm.Dict({"crystals": [response.to_dict(grid) for response in found]})
