"""Voronoi cells of well-known lattices, and of real crystals against pymatgen's."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.analysis.local_env import VoronoiNN

from aiida_mlhull.science.representations.voronoi import faces, rounded, voronoi_features
from aiida_mlhull.science.types import Crystals
from tests.science.real_crystals import mp_crystals, supercells

FCC = 2.0 * np.asarray([[0, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=np.float64)


def cells_of(index):
    lattice, numbers, frac_coords = mp_crystals().arrays(index)
    return faces(lattice, frac_coords, atoms=np.arange(len(numbers)))


def test_the_cell_of_a_cubic_close_packing_is_a_rhombic_dodecahedron():
    found = faces(FCC, np.zeros((1, 3)), atoms=np.asarray([0]))
    large = found.areas > 1e-6
    assert large.sum() == 12
    edge = 4.0 * np.sqrt(3) / 4  # of a rhombic dodecahedron of volume 16 a³ / (3 sqrt 3) = 16 Å³
    np.testing.assert_allclose(found.areas[large], 2 * np.sqrt(2) / 3 * edge**2)
    np.testing.assert_allclose(found.lengths[large], 4 / np.sqrt(2))


def test_features_of_a_cubic_close_packing():
    copper = Crystals.from_lists([FCC], [[29]], [[[0.3, 0.1, 0.2]]])
    features = voronoi_features(copper)[0]
    assert features.shape == (124,)
    np.testing.assert_allclose(features[:4], [12, 0, 12, 12], atol=1e-3)  # coordination
    np.testing.assert_allclose(features[4:11], [0, 1, 1, 0, 0, 0, 0], atol=1e-4)  # lengths and their spread
    assert features[11] == 0  # volumes
    assert features[12] == pytest.approx(np.pi / np.sqrt(18), rel=1e-4)  # Kepler
    assert features[13] == pytest.approx(0, abs=1e-6)  # order
    np.testing.assert_allclose(features[14:], 0)  # one element has no differences


def test_rock_salt_is_perfectly_ordered():
    salt = Crystals.from_lists([FCC], [[11, 17]], [[[0, 0, 0], [0.5, 0.5, 0.5]]])
    features = voronoi_features(salt)[0]
    assert features[0] == pytest.approx(6.0)
    assert features[13] == pytest.approx(1.0)  # all faces to the other half: |1 - 2| and |1 - 0|
    np.testing.assert_allclose(features[14:19], [6, 0, 6, 6, 0])  # 17 - 11, everywhere


@pytest.mark.parametrize("index", [3, 20, 57])
def test_real_crystals_as_pymatgen_has_them(index):
    structure, found = mp_crystals().structure(index), cells_of(index)
    theirs = VoronoiNN(tol=0, compute_adj_neighbors=False, cutoff=12).get_all_voronoi_polyhedra(structure)
    volumes = found.sums(found.areas * found.lengths) / 6
    assert volumes.sum() == pytest.approx(structure.volume)
    for atom, polyhedron in enumerate(theirs):
        own = found.areas[found.owners == atom]
        areas = sorted(face["area"] for face in polyhedron.values() if face["area"] > 1e-3)
        np.testing.assert_allclose(np.sort(own[own > 1e-3]), areas, rtol=1e-4)
        assert volumes[atom] == pytest.approx(sum(face["volume"] for face in polyhedron.values()), rel=1e-4)


@pytest.mark.parametrize("height", [3.0, 12.0, 50.0])
def test_a_flat_layer_in_vacuum_fills_its_cell(height):
    """Boron nitride: three neighbors in the layer, and its own images above and below."""
    lattice = np.asarray([[2.5, 0, 0], [-1.25, 1.25 * np.sqrt(3), 0], [0, 0, height]])
    found = faces(lattice, np.asarray([[1 / 3, 2 / 3, 0.5], [2 / 3, 1 / 3, 0.5]]), atoms=np.asarray([0, 1]))
    volumes = found.sums(found.areas * found.lengths) / 6
    np.testing.assert_allclose(volumes, np.linalg.det(lattice) / 2)
    bonds = (found.owners == 0) & (found.areas > 1e-6)
    bond = 2.5 / np.sqrt(3)
    np.testing.assert_allclose(np.sort(found.lengths[bonds]), np.sort([bond, bond, bond, height, height]))
    hexagon = 1.5 * np.sqrt(3) * bond**2 / 2  # the triangle around an atom is half of its layer's cell
    np.testing.assert_allclose(found.areas[bonds][found.lengths[bonds] > bond + 1], hexagon)


def test_supercells_have_the_same_features():
    small = mp_crystals().take(np.flatnonzero(mp_crystals().n_sites <= 4)[:6])
    np.testing.assert_allclose(voronoi_features(supercells(small)), voronoi_features(small), rtol=1e-3, atol=1e-3)


def test_rounding_keeps_digits_not_places():
    np.testing.assert_allclose(
        rounded(np.asarray([123456.7, 1.234567, 0.0, -0.0123456])), [123460, 1.2346, 0, -0.012346]
    )
