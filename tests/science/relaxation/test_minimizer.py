"""The quasi-Newton search on landscapes whose minimum is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.relaxation.minimizer import LARGEST_DISPLACEMENT, LARGEST_STRAIN, QuasiNewton


def patterns(n_atoms, count, seed=0):
    flat = np.random.default_rng(seed).normal(size=(3 * n_atoms, count))
    return np.linalg.qr(flat)[0].T.reshape(count, n_atoms, 3)


def search_in(n_atoms=3, count=4):
    return QuasiNewton(np.eye(3) * 5.0, np.zeros((n_atoms, 3)), patterns(n_atoms, count), np.empty((0, 3, 3)))


def run(search, energy, gradient, steps, *, max_force=1e-4):
    """Walk down a landscape of the positions alone; energies go in per atom."""
    n = len(search.positions)
    for step in range(steps):
        _, positions = search.propose()
        search.tell(energy(positions) / n, gradient(positions), np.zeros((3, 3)))
        if search.max_force < max_force:
            return step
    return steps


@given(seed=st.integers(0, 2**32 - 1), stiffest=st.floats(5.0, 200.0))
def test_quadratic_bowls(seed, stiffest):
    """Any stiffness from soft to hard: within two dozen steps for four coordinates."""
    rng = np.random.default_rng(seed)
    search = search_in()
    modes = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    stiffness = modes @ np.diag(np.geomspace(1.0, stiffest, 4)) @ modes.T
    target = rng.normal(0, 0.3, 4)

    def offset(positions):
        return np.tensordot(search.displacements, positions, 2) - target

    def energy(positions):
        return 0.5 * offset(positions) @ stiffness @ offset(positions)

    def gradient(positions):
        return np.tensordot(stiffness @ offset(positions), search.displacements, 1)

    assert run(search, energy, gradient, 60) < 60
    # what single precision can't tell apart per atom bounds how far a soft mode may be off
    assert energy(search.positions) < 1e-4


def test_walks_away_from_a_saddle():
    """A double well (x² - 1)², entered a little off its top."""
    search = QuasiNewton(np.eye(3) * 5.0, np.zeros((1, 3)), np.array([[[1.0, 0.0, 0.0]]]), np.empty((0, 3, 3)))
    search.positions[0, 0] = 0.01

    def energy(positions):
        return (positions[0, 0] ** 2 - 1.0) ** 2

    def gradient(positions):
        return np.array([[4.0 * positions[0, 0] * (positions[0, 0] ** 2 - 1.0), 0.0, 0.0]])

    assert run(search, energy, gradient, 60, max_force=1e-3) < 60
    assert search.positions[0, 0] == pytest.approx(1.0, abs=1e-3)


def test_steps_stay_short():
    search = QuasiNewton(np.eye(3) * 5.0, np.zeros((2, 3)), patterns(2, 3), np.eye(3)[None] / np.sqrt(3.0))
    search.propose()
    search.tell(-1.0, 1e4 * patterns(2, 3)[0], 1e6 * np.eye(3))
    lattice, positions = search.propose()
    strain = np.linalg.inv(search.lattice) @ lattice - np.eye(3)
    assert np.linalg.norm(strain) <= LARGEST_STRAIN * (1 + 1e-9)
    assert np.linalg.norm(positions, axis=1).max() <= LARGEST_DISPLACEMENT * (1 + 1e-9)


def test_uphill_steps_are_taken_back_and_the_search_ends():
    """A gradient that lies: every step leads uphill."""
    search = search_in()
    push = search.displacements[0]
    _, start = search.propose()
    search.tell(0.0, push, np.zeros((3, 3)))
    for _ in range(40):
        search.propose()
        search.tell(1.0, push, np.zeros((3, 3)))
        if search.stuck:
            break
    assert search.stuck
    assert search.energy == 0.0
    np.testing.assert_array_equal(search.positions, start)


def test_nothing_to_move():
    search = QuasiNewton(np.eye(3), np.zeros((1, 3)), np.empty((0, 1, 3)), np.empty((0, 3, 3)))
    search.tell(-1.0, np.ones((1, 3)), np.ones((3, 3)))
    assert search.max_force == 0.0
    assert search.energy == -1.0
