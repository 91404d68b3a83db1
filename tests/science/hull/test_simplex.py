"""The compiled solver: loaded late, cached where it can be, not led astray by ties."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import linprog

from aiida_mlhull.science.hull import distances
from aiida_mlhull.science.representations.composition import fraction_matrix
from aiida_mlhull.science.types import References


def test_numba_is_not_loaded_before_a_hull_is_solved():
    code = """
import sys
import numpy as np
from aiida_mlhull.science import hull, triage
from aiida_mlhull.science.types import References
from aiida_mlhull.science.triage.probability import Probability
assert "numba" not in sys.modules
known = References.from_rows(ids=["Ti", "O"], formulas=["Ti", "O"], energies=np.zeros(2))
hull.distances(["TiO"], np.zeros(1), known)
assert "numba" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_compiles_in_memory_where_nothing_can_be_written():
    from aiida_mlhull.science.hull.simplex import compiled

    scope = {}
    exec("def twice(x):\n    return 2 * x", scope)  # of no file, so that there is no place for a cache either
    assert compiled(scope["twice"])(21) == 42


@pytest.mark.parametrize("k", [2, 3, 4, 5, 6])
def test_many_coplanar_phases_end_at_the_right_energy(k):
    """All phases lie on one plane but for a few: every pivot is a tie."""
    elements = ["Li", "O", "Ti", "Zn", "Ba", "N"][:k]
    rng = np.random.default_rng(k)
    counts = rng.integers(0, 3, (120, k))
    counts = counts[(counts > 0).sum(axis=1) > 1]
    formulas = ["".join(f"{e}{n}" for e, n in zip(elements, row, strict=True) if n) for row in counts]
    fractions = fraction_matrix(formulas, elements)
    energies = fractions @ -np.arange(1.0, k + 1)
    energies[::9] -= 0.125
    known = References.from_rows(
        ids=[*elements, *(f"p-{i:03d}" for i in range(len(formulas)))],
        formulas=[*elements, *formulas],
        energies=np.concatenate([-np.arange(1.0, k + 1), energies]),
    )
    found = distances(formulas, energies, known)
    columns = fraction_matrix(known.formulas.tolist(), elements).T
    for row in range(0, len(formulas), 5):
        peer = linprog(known.energies, A_eq=columns, b_eq=fractions[row], method="highs")
        assert found.hull_energy[row] == pytest.approx(peer.fun, abs=1e-9)
    assert found.gap.max() < 1e-10


def test_tiny_and_huge_differences_of_energy():
    known = References.from_rows(
        ids=["a", "b", "c", "Ti", "O"],
        formulas=["TiO", "Ti2O", "TiO2", "Ti", "O"],
        energies=np.asarray([-1e-9, 43.0, -900.0, 0.0, 0.0]),
    )
    found = distances(["TiO", "Ti2O", "Ti3O2"], np.zeros(3), known)
    np.testing.assert_allclose(found.hull_energy, [-675.0, -450.0, -540.0], rtol=1e-15)
    near = distances(["TiO"], np.zeros(1), known.without(["c"]))
    assert near.hull_energy[0] == -1e-9
