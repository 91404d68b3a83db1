"""Candidates that were asked about in the columns of matbench-discovery, as reports of campaigns have them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.ensembles.rows import elemental_mixtures
from aiida_mlhull.science.hull import distances
from aiida_mlhull.science.prospecting.prospect import Prospect
from aiida_mlhull.science.representations.wyckoff import primitive_sizes
from aiida_mlhull.science.types import References


def matbench_columns(found: Prospect, references: References) -> dict[str, NDArray[Any]]:
    """Name to values, one row per candidate: energies are the model's, and there is no cell and no volume yet.

    ``n_sites`` is of the primitive cell; ``e_above_hull`` is signed, from the hull of what is known; ``_std`` is σ.
    """
    candidates, said, model = found.candidates, found.predictions, found.ensemble.model
    return {
        "material_id": candidates.ids,
        "formula": candidates.formulas,
        "n_sites": primitive_sizes(candidates.protostructures)[:, 1],
        f"e_form_per_atom_{model}": said.mean - elemental_mixtures(candidates.formulas, references),
        f"e_form_per_atom_{model}_std": said.sigma,
        f"e_above_hull_{model}": distances(candidates.formulas, said.mean, references).e_above_hull,
        "protostructure_initial": candidates.protostructures,
        "kept": found.decisions.keep.astype(np.int64),
    }
