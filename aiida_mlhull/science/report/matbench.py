"""The candidates in the columns of matbench-discovery (Riebesell et al., Nat. Mach. Intell. 7 (2025) 836).

Its summary of the WBM test set has one row per ``material_id`` with ``formula``, ``n_sites``, ``volume``,
``e_form_per_atom_*`` and ``e_above_hull_*``, and every model adds ``e_form_per_atom_<model>``: so do these.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.report.material import Material
from aiida_mlhull.science.report.rows import CandidateRows

SUFFIX: Final = "mlhull"
"""Stands where the benchmark has ``wbm`` or the correction scheme."""


def matbench_columns(material: Material, rows: CandidateRows) -> dict[str, NDArray[Any]]:
    """Name to values, one row per candidate; NaN where a number is missing."""
    crystals = material.candidates.crystals
    n = len(rows)
    model = material.settings.kinds_of_models
    return {
        "material_id": rows.ids,
        "formula": rows.columns["formula"],
        "n_sites": np.full(n, np.nan) if crystals is None else crystals.n_sites.astype(np.float64),
        "volume": np.full(n, np.nan) if crystals is None else crystals.volumes,
        f"energy_per_atom_{SUFFIX}": rows.columns["energy"],
        f"e_form_per_atom_{SUFFIX}": rows.columns["formation"],
        f"e_above_hull_{SUFFIX}": rows.columns["above_hull"],
        f"e_form_per_atom_{model}": rows.columns["predicted_formation"],
        f"e_form_per_atom_{model}_std": rows.columns["sigma"],
        "protostructure_initial": material.candidates.protostructures,
    }
