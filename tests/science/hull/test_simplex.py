"""The solver: compiled where that pays, cached where it can be, not led astray by ties."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import linprog

from aiida_mlhull.science.hull import distances, solver
from aiida_mlhull.science.hull.placement import place
from aiida_mlhull.science.representations.composition import fraction_matrix
from aiida_mlhull.science.types import References


def test_numba_is_not_loaded_before_it_pays():
    code = """
import sys
import numpy as np
from aiida_mlhull.science import hull, triage
from aiida_mlhull.science.types import References
from aiida_mlhull.science.triage.probability import Probability
assert "numba" not in sys.modules
known = References.from_rows(ids=["Ti", "O"], formulas=["Ti", "O"], energies=np.zeros(2))
hull.distances(["TiO"], np.zeros(1), known)
assert "numba" not in sys.modules
formulas = [f"Ti{n}O{200 - n}" for n in range(1, 200)]
known = References.from_rows(ids=["Ti", "O", *formulas], formulas=["Ti", "O", *formulas], energies=np.zeros(201))
hull.distances(formulas, np.zeros(199), known)
assert "numba" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("decimals", [1, 6])
def test_loops_give_the_same_bits_compiled_and_as_they_stand(monkeypatch, decimals):
    """Rounded energies make ties; a phase of every composition is left out once, for its own distance to the others."""
    elements, rng = ["Li", "O", "Ti", "Zn"], np.random.default_rng(decimals)
    counts = rng.integers(0, 4, (90, 4))
    formulas = ["".join(f"{e}{n}" for e, n in zip(elements, row, strict=True) if n) for row in counts if row.any()]
    energies = np.round(rng.normal(-1.0, 0.5, len(formulas)), decimals)
    ids = [f"p-{row:02d}" for row in range(len(formulas))]
    known = References.from_rows(ids=elements, formulas=elements, energies=np.zeros(4))
    phases = References.from_rows(ids=ids, formulas=formulas, energies=energies)
    placed = []
    for work in (-1, 10**9):
        monkeypatch.setattr(solver, "WORTH_COMPILING", work)
        monkeypatch.delitem(sys.modules, solver.COMPILED, raising=False)
        placed.append(place(phases, known))
        assert (solver.COMPILED in sys.modules) == (work < 0)
        windows = [placed[-1].windows(row) for row in range(len(phases))]
        placed[-1].__dict__["told"] = windows, placed[-1]._decompositions, placed[-1]._separations
    compiled, as_it_stands = placed
    for name in ("e_above_hull", "signed", "phase_separation", "gaps"):
        assert getattr(compiled, name).tobytes() == getattr(as_it_stands, name).tobytes()
    assert compiled.told == as_it_stands.told
    assert any(compiled.told[0])


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
