"""Real ground states from the Materials Project, as references and as rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.types import References


@dataclass(frozen=True)
class GroundStateRows:
    formulas: np.ndarray
    formation: np.ndarray
    decomposition: np.ndarray
    complete_system: np.ndarray

    def within(self, elements):
        """Row numbers of the compounds made of these elements."""
        allowed = set(elements)
        return np.asarray([i for i, f in enumerate(self.formulas) if allowed.issuperset(reduce_formula(f).symbols)])


@pytest.fixture(scope="session")
def ground_states():
    table = pq.read_table(Path(__file__).parent / "data" / "mp_ground_states_excerpt.parquet")
    return GroundStateRows(
        formulas=np.asarray(table["formula"].to_pylist(), dtype=np.str_),
        formation=table["e_form_ev_per_atom"].to_numpy(),
        decomposition=table["e_decomp_ev_per_atom"].to_numpy(),
        complete_system=np.asarray(table["complete_system"].to_pylist(), dtype=np.str_),
    )


@pytest.fixture
def references():
    """Build references from formula to energy (eV/atom); ids are the formulas unless given."""

    def build(energies, **properties):
        return References.from_rows(
            ids=list(energies), formulas=list(energies), energies=np.asarray(list(energies.values())), **properties
        )

    return build
