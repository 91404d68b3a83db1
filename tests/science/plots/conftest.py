"""A small campaign in every number of elements."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.plots import MarkedPhases, make_diagram
from aiida_mlhull.science.types import References


def phases(prefix, entries):
    return MarkedPhases(
        ids=np.asarray([f"{prefix}-{i}" for i in range(len(entries))], dtype=np.str_),
        formulas=np.asarray([formula for formula, _ in entries], dtype=np.str_),
        energies=np.asarray([energy for _, energy in entries]),
    )


@pytest.fixture
def known():
    entries = {"Ti": -7.8, "Zn": -1.3, "N": -8.3, "O": -4.9, "TiN": -9.7, "Zn3N2": -4.2, "TiO2": -8.9, "TiZn": -4.5}
    return References.from_rows(ids=list(entries), formulas=list(entries), energies=np.asarray(list(entries.values())))


@pytest.fixture
def binary(known):
    kept = phases("kept", [("Ti2N", -9.25), ("Ti2N", -9.0), ("TiN2", -8.6), ("Ti3N4", -9.2), ("TiN", -9.0)])
    dropped = phases("dropped", [("TiN2", -8.3), ("TiN", -8.9), ("Ti3N", np.nan)])
    return make_diagram(known, kept=kept, dropped=dropped, elements=["Ti", "N"])


@pytest.fixture
def ternary(known):
    kept = phases("kept", [("TiZnN2", -7.35), ("TiZnN2", -7.1), ("Ti3ZnN", -7.2), ("Ti2N", -9.25), ("ZnN2", -5.6)])
    dropped = phases("dropped", [("TiZn2N", np.nan), ("TiZn2N", -5.0), ("Ti2ZnN3", -7.5)])
    return make_diagram(known, kept=kept, dropped=dropped, elements=["Ti", "Zn", "N"])


@pytest.fixture
def quaternary(known):
    kept = phases("kept", [("TiZnNO", -7.6), ("Ti2ZnNO3", -7.9), ("Zn2TiO4", -6.3), ("TiNO", -9.0)])
    return make_diagram(known, kept=kept, dropped=phases("dropped", [("TiZn2NO", -5.6)]))
