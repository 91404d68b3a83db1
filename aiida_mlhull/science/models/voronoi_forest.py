"""A random forest on Voronoi cells and Magpie's features: the baseline of every model that reads structures.

Source: Ward, Liu, Krishna, Hegde, Agrawal, Choudhary and Wolverton, Phys. Rev. B 96 (2017) 024104; the baseline
of Goodall's thesis. 124 features of the structure (:mod:`~aiida_mlhull.science.representations.voronoi`)
beside 142 of the composition (:mod:`~aiida_mlhull.science.representations.magpie`) and the volume per atom.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from aiida_mlhull.science.models.base import ModelSettings
from aiida_mlhull.science.models.families.forests import ForestModel, ForestSettings
from aiida_mlhull.science.models.regressors.stage_correction import element_fractions
from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.representations.magpie import magpie
from aiida_mlhull.science.representations.voronoi import rounded, voronoi_features
from aiida_mlhull.science.types import ModelRows
from aiida_mlhull.science.types.crystals import Floats


class VoronoiForestSettings(ForestSettings):
    """Those of :class:`~aiida_mlhull.science.models.families.forests.ForestSettings`; the thesis has others here."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {"thesis": {"trees": 150, "max_features": 1.0}}


class VoronoiForest(ForestModel):
    """See the module's text."""

    Settings: ClassVar[type[ModelSettings]] = VoronoiForestSettings
    reads: ClassVar[Reads] = "descriptors"

    def represent(self, rows: ModelRows) -> Floats:
        """(n, 267) features."""
        composition = magpie(element_fractions(rows.crystals))
        volumes = rounded(rows.crystals.volumes_per_atom)
        return np.column_stack([voronoi_features(rows.crystals), volumes, composition])
