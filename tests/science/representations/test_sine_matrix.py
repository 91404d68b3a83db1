"""Sine matrices against the formula written out, and what their spectra depend on."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.representations.sine_matrix import sine_matrix, sine_spectra
from aiida_mlhull.science.types import Crystals
from tests.science.real_crystals import disguised, mp_crystals


def test_the_matrix_by_hand():
    lattice = np.asarray([[4.0, 0, 0], [0, 5.0, 0], [1.0, 0, 6.0]])
    coordinates = np.asarray([[0.0, 0, 0], [0.25, 0.5, 0.1]])
    sines = np.sin(np.pi * np.asarray([0.25, 0.5, 0.1])) ** 2
    across = np.linalg.norm(sines[0] * lattice[0] + sines[1] * lattice[1] + sines[2] * lattice[2])
    matrix = sine_matrix(lattice, np.asarray([11, 17], dtype=np.int16), coordinates)
    np.testing.assert_allclose(matrix, [[11**2.4 / 2, 11 * 17 / across], [11 * 17 / across, 17**2.4 / 2]])


def test_periodic_images_are_the_same_atom():
    lattice, numbers, coordinates = mp_crystals().arrays(20)
    moved = coordinates + np.random.default_rng(0).integers(-2, 3, coordinates.shape)
    np.testing.assert_allclose(sine_matrix(lattice, numbers, moved), sine_matrix(lattice, numbers, coordinates))


@pytest.mark.parametrize("what", ["order", "origin", "turned"])
def test_spectra_do_not_depend_on_how_a_cell_is_written_down(what):
    crystals = mp_crystals().take(np.arange(40))
    others = disguised(crystals, 3, **{name: name == what for name in ("order", "origin", "cell", "turned")})
    np.testing.assert_allclose(sine_spectra(others), sine_spectra(crystals), rtol=1e-3, atol=1e-2)


def test_spectra_are_padded_and_sorted():
    crystals = Crystals.from_lists([np.eye(3) * 4] * 2, [[3], [11, 17]], [[[0, 0, 0]], [[0, 0, 0], [0.5, 0.5, 0.5]]])
    spectra = sine_spectra(crystals)
    assert spectra.shape == (2, 2)
    assert spectra[0].tolist() == [pytest.approx(3**2.4 / 2), 0.0]
    assert abs(spectra[1, 0]) >= abs(spectra[1, 1])
    assert sine_spectra(crystals.take([])).shape == (0, 0)
