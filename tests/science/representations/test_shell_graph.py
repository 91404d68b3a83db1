"""Graphs with shells for labels: shells by hand, volume not read, edges merged with nothing lost."""

from __future__ import annotations

import numpy as np
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.representations.crystal_graph import plain_graphs
from aiida_mlhull.science.representations.shell_graph import numbered, shell_graphs, shell_numbers
from aiida_mlhull.science.types import Crystals
from tests.science.real_crystals import disguised, mp_crystals


def rock_salt(a):
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_rock_salt_by_hand():
    """Six of the other kind, twelve of the same, six of the eight at the cube's corners."""
    found = shell_graphs(Crystals.from_structures([rock_salt(5.6)]))
    assert found.graphs.n_nodes.tolist() == [2]
    assert found.shells.tolist() == [0, 1, 2] * 2
    assert found.graphs.counts.tolist() == [6, 12, 6] * 2
    assert found.graphs.numbers[found.graphs.others].tolist() == [17, 11, 17, 11, 17, 11]


def test_volume_does_not_matter():
    near, far = (shell_graphs(Crystals.from_structures([rock_salt(a)])) for a in (5.0, 7.0))
    np.testing.assert_array_equal(near.shells, far.shells)
    np.testing.assert_array_equal(near.graphs.counts, far.graphs.counts)


def test_shells_are_counted_from_the_neighbor_list():
    """The same numbers by pymatgen's neighbors and a loop, for sites of a few real crystals."""
    crystals = mp_crystals().take([2, 11, 30])
    graphs = plain_graphs(crystals, neighbors=24)
    found = shell_numbers(graphs).reshape(-1, 24)
    for index in range(len(crystals)):
        for site, neighbors in enumerate(crystals.structure(index).get_all_neighbors(12.0)):
            distances = sorted(neighbor.nn_distance for neighbor in neighbors)[:24]
            expected = np.concatenate([[0], np.cumsum(np.diff(distances) > 0.01)])
            np.testing.assert_array_equal(found[crystals.offsets[index] + site], expected)


def test_every_atom_keeps_its_neighbors():
    found = shell_graphs(mp_crystals())
    first = np.repeat(found.graphs.node_offsets[:-1], found.graphs.n_edges)
    heard = np.bincount(found.graphs.centers + first, weights=found.graphs.counts)
    assert (heard == 24).all()
    assert found.shells.max() < 24


def test_how_a_crystal_is_written_down_does_not_matter():
    ours, others = shell_graphs(mp_crystals()), shell_graphs(disguised(mp_crystals(), 8))
    np.testing.assert_array_equal(ours.shells, others.shells)
    np.testing.assert_array_equal(ours.graphs.counts, others.graphs.counts)


def test_no_crystals():
    empty = numbered(plain_graphs(mp_crystals().take([])))
    assert len(empty) == 0
    assert empty.shells.shape == (0,)
