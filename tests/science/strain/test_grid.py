"""Strained cells by hand, and relaxations that would undo the strain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.strain.grid import StrainSettings, check_freedom, grid_id, strain_grid, strained
from aiida_mlhull.science.types import Candidates, Crystals

STRAINS = st.floats(-0.1, 0.1)


def test_axes_at_right_angles_are_multiplied():
    cell = np.diag([3.8, 5.0, 13.2])
    np.testing.assert_allclose(strained(cell, ab=0.02, c=-0.01), np.diag([3.8 * 1.02, 5.0 * 1.02, 13.2 * 0.99]))


@given(STRAINS, STRAINS, st.integers(0, 50))
def test_the_plane_and_the_height_of_any_cell_are_strained(ab, c, seed):
    cell = np.eye(3) * 4 + np.random.default_rng(seed).normal(0, 0.5, (3, 3))
    after = strained(cell, ab=ab, c=c)
    np.testing.assert_allclose(after[:2], (1 + ab) * cell[:2], atol=1e-12)  # neither turned nor tilted
    ratio = np.linalg.det(after) / np.linalg.det(cell)
    assert ratio == pytest.approx((1 + ab) ** 2 * (1 + c))


def test_every_crystal_at_every_point():
    cells = Crystals.from_lists([np.diag([3.0, 3.0, 4.0])] * 2, [[29], [29, 8]], [[0, 0, 0], [0, 0, 0, 0, 0, 0.5]])
    two = Candidates.from_rows(
        ids=["a", "b"], formulas=["Cu", "CuO"], crystals=cells, protostructures=[""] * 2, origins=[""] * 2
    )
    grid = strain_grid(two, StrainSettings(ab=(0.0, 0.02), c=(0.01, 0.0, -0.01)))
    assert len(grid) == 12
    row = grid.positions([grid_id("b", ab=0.02, c=-0.01)])[0]
    assert grid.ids[row] == "b/ab+0.0200/c-0.0100"
    np.testing.assert_allclose(grid.crystals.lattices[row], np.diag([3.06, 3.06, 3.96]))
    assert grid.crystals.arrays(int(row))[2].tolist() == [[0, 0, 0], [0, 0, 0.5]]
    assert grid_id("b", ab=-0.0, c=0.0) == "b/ab+0.0000/c+0.0000"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [({"ab": (0.01,)}, "0 among them"), ({"c": (0.0, 0.0)}, "every strain once"), ({"ab": (0.0, 2.0)}, "0.02 is 2 %")],
)
def test_grids_that_mean_nothing_are_refused(wrong, why):
    with pytest.raises(ValueError, match=why):
        StrainSettings(**wrong)


def test_a_relaxation_that_would_undo_the_strain_is_refused():
    grid, films = StrainSettings(), StrainSettings(c=(0.0,))
    kept = {"volume": "as_given", "relaxation": {"freedom": "positions"}}
    check_freedom("potential", kept, grid)
    check_freedom("vasp", {"freedom": "positions"}, grid)
    check_freedom("vasp", {"freedom": "normal"}, films)
    check_freedom("recorded", {}, grid)
    for engine, settings, why in (
        ("potential", {"relaxation": {"freedom": "positions"}}, "as_given"),
        ("potential", {"volume": "as_given"}, "'full' would undo"),
        ("vasp", {}, "'full' would undo"),
        ("vasp", {"freedom": "normal"}, r"c: \[0\]"),
    ):
        with pytest.raises(SettingsError, match=why):
            check_freedom(engine, settings, grid)
