"""Kinds of bonds and angles, counted against pymatgen's neighbor lists."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.relaxation.chgnet.geometry import Geometry
from aiida_mlhull.science.relaxation.chgnet.quotient import quotient_graph
from aiida_mlhull.science.relaxation.symmetry import symmetrize
from tests.science.real_crystals import pnictides

BOND, ANGLE = 5.0, 3.2


def without_symmetry(cell):
    """The same cell with nothing but the identity."""
    n = len(cell.numbers)
    return replace(
        cell,
        rotations=np.eye(3, dtype=np.int64)[None],
        permutations=np.arange(n)[None],
        shifts=np.zeros((1, n, 3), dtype=np.int64),
        representatives=np.arange(n),
        orbits=np.arange(n),
    )


def measured(cell):
    positions = cell.frac_coords @ cell.lattice
    graph = quotient_graph(cell, cell.lattice, positions, bond_cutoff=BOND, angle_cutoff=ANGLE)
    return graph, Geometry.measure(graph, cell.lattice, positions)


@pytest.fixture(params=range(0, 350, 35))
def cell(request):
    crystals = pnictides().crystals.with_volumes_per_atom(np.full(len(pnictides()), 22.0))
    return symmetrize(*crystals.arrays(request.param % len(crystals)))


def spectrum(values, weights):
    """Sorted values with the weights of equal ones added up."""
    keys, which = np.unique(np.round(values, 6), return_inverse=True)
    return keys, np.bincount(which, weights=weights)


def test_edges_are_those_of_pymatgen(cell):
    graph, geometry = measured(cell)
    weights = graph.edge_counts * graph.multiplicities[graph.centers]
    lengths, counts = spectrum(geometry.distances[graph.bonds], weights)
    from pymatgen.core import Lattice, Structure

    structure = Structure(Lattice(cell.lattice), cell.numbers.tolist(), cell.frac_coords)
    expected, n_expected = spectrum(structure.get_neighbor_list(BOND)[3], None)
    inside = expected < BOND - 1e-5
    np.testing.assert_allclose(lengths[lengths < BOND - 1e-5], expected[inside], atol=2e-6)
    np.testing.assert_allclose(counts[lengths < BOND - 1e-5], n_expected[inside])


def test_every_bond_gets_the_messages_of_all_angles_at_both_ends(cell):
    """Kinds weighted by how many bonds there are = plain sums without symmetry, angle by angle."""
    few, many = measured(cell), measured(without_symmetry(cell))
    spectra = []
    for graph, geometry in (few, many):
        n_bonds = np.bincount(graph.bonds, weights=graph.edge_counts * graph.multiplicities[graph.centers]) / 2
        weights = graph.angle_weights * n_bonds[graph.angle_bonds[:, 0]]
        spectra.append(spectrum(geometry.cosines, weights))
    np.testing.assert_allclose(spectra[0][0], spectra[1][0], atol=2e-6)
    np.testing.assert_allclose(spectra[0][1], spectra[1][1])
    assert len(few[1].cosines) <= len(many[1].cosines)


def test_messages_have_consistent_ends(cell):
    graph, _ = measured(cell)
    of_bond = cell.orbits[graph.bond_atoms]
    for center, neighbor, bond in zip(graph.centers, graph.neighbors, graph.bonds, strict=True):
        assert sorted([center, neighbor]) == sorted(of_bond[bond].tolist())


def test_derivatives_are_those_of_finite_differences(cell):
    rng = np.random.default_rng(5)
    plain = without_symmetry(cell)
    graph, geometry = measured(plain)
    a, b = rng.normal(size=len(geometry.distances)), rng.normal(size=len(geometry.cosines))
    by_position, by_strain = geometry.pull_back(a, b)

    def value(lattice, positions):
        at = Geometry.measure(graph, lattice, positions)
        return a @ at.distances + b @ at.cosines

    positions, step = plain.frac_coords @ plain.lattice, 1e-5
    move, strain = rng.normal(size=positions.shape), rng.normal(size=(3, 3))
    moved = value(plain.lattice, positions + step * move) - value(plain.lattice, positions - step * move)
    assert moved / (2 * step) == pytest.approx(np.sum(by_position * move), rel=1e-4, abs=1e-4)
    up, down = np.eye(3) + step * strain, np.eye(3) - step * strain
    strained = value(plain.lattice @ up, positions @ up) - value(plain.lattice @ down, positions @ down)
    assert strained / (2 * step) == pytest.approx(np.sum(by_strain * strain), rel=1e-4, abs=1e-4)
