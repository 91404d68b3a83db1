"""Graphs: the quotient is exact, canonical and small."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.representations.crystal_graph import crystal_graphs, node_weights, plain_graphs
from aiida_mlhull.science.types import Crystals
from tests.science.real_crystals import disguised, mp_crystals, supercells

ARRAYS = ("numbers", "multiplicities", "centers", "others", "distances", "counts")


def environments(graphs, index, depth=3):
    """Multiset of atoms as a network of ``depth`` layers sees them, by plain recursion over the graph."""
    nodes = slice(graphs.node_offsets[index], graphs.node_offsets[index + 1])
    edges = slice(graphs.edge_offsets[index], graphs.edge_offsets[index + 1])
    seen = [int(z) for z in graphs.numbers[nodes]]
    for _ in range(depth):
        heard = [[] for _ in seen]
        columns = (graphs.centers[edges], graphs.others[edges], graphs.distances[edges], graphs.counts[edges])
        for center, other, distance, count in zip(*columns, strict=True):
            heard[center] += [(round(float(distance), 5), seen[other])] * int(count)
        seen = [hash((own, tuple(sorted(around)))) for own, around in zip(seen, heard, strict=True)]
    return Counter({color: int(graphs.multiplicities[nodes][np.asarray(seen) == color].sum()) for color in set(seen)})


def same(first, second, *, but=()):
    return [
        name for name in ARRAYS if name not in but and not np.array_equal(getattr(first, name), getattr(second, name))
    ]


def test_every_node_has_twelve_neighbors():
    graphs = crystal_graphs(mp_crystals())
    first = graphs.node_offsets[:-1][np.repeat(np.arange(len(graphs)), graphs.n_edges)]
    counted = np.bincount(graphs.centers + first, weights=graphs.counts, minlength=len(graphs.numbers))
    assert (counted == 12).all()
    assert np.add.reduceat(graphs.multiplicities.astype(int), graphs.node_offsets[:-1]).tolist() == (
        mp_crystals().n_sites.tolist()
    )


def test_merging_changes_nothing_that_a_network_sees():
    merged, plain = crystal_graphs(mp_crystals()), plain_graphs(mp_crystals())
    assert plain.n_nodes.tolist() == mp_crystals().n_sites.tolist()
    for index in range(len(merged)):
        assert environments(merged, index) == environments(plain, index)
    assert merged.n_nodes.sum() < 0.7 * plain.n_nodes.sum()


@pytest.mark.parametrize("what", ["order", "origin", "cell", "turned"])
def test_the_same_bits_however_it_is_written_down(what):
    chosen = {name: name == what for name in ("order", "origin", "cell", "turned")}
    ours = crystal_graphs(mp_crystals())
    theirs = crystal_graphs(disguised(mp_crystals(), 11, **chosen))
    assert same(ours, theirs) == []


@given(seed=st.integers(0, 2**32 - 1), index=st.integers(0, 93))
def test_the_same_bits_in_any_disguise(seed, index):
    crystal = mp_crystals().take([index])
    assert same(crystal_graphs(crystal), crystal_graphs(disguised(crystal, seed))) == []


def test_neighbors_in_a_batch_change_nothing():
    together = crystal_graphs(mp_crystals())
    for index in (0, 17, 93):
        alone = crystal_graphs(mp_crystals().take([index]))
        assert same(together.take(np.asarray([index])), alone) == []


def test_a_supercell_only_multiplies():
    small = mp_crystals().take(np.flatnonzero(mp_crystals().n_sites <= 16))
    ours, theirs = crystal_graphs(small), crystal_graphs(supercells(small))
    assert same(ours, theirs, but=("multiplicities",)) == []
    assert (theirs.multiplicities == 4 * ours.multiplicities).all()


def test_a_cut_shell_prefers_the_lighter_element():
    # CsCl: eight of the other kind, then six of the own, of which four are still wanted.
    crystal = Crystals.from_lists([4.1 * np.eye(3)], [[55, 17]], [[[0, 0, 0], [0.5, 0.5, 0.5]]])
    graphs = crystal_graphs(crystal)
    assert graphs.numbers.tolist() == [17, 55]
    assert graphs.counts.tolist() == [8, 4, 8, 4]
    assert graphs.others.tolist() == [1, 0, 0, 1]

    # A square lattice far apart, two kinds in turn: all four nearest lie in one shell; three are wanted.
    plane = Crystals.from_lists([np.diag([4.0, 4.0, 30.0])], [[30, 8, 16]], [[[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0]]])
    graphs = crystal_graphs(plane, neighbors=3)
    zinc = graphs.centers == graphs.numbers.tolist().index(30)
    kinds = graphs.numbers[graphs.others[zinc]].tolist()
    assert dict(zip(kinds, graphs.counts[zinc].tolist(), strict=True)) == {8: 2, 16: 1}


def test_one_atom_cell():
    graphs = crystal_graphs(Crystals.from_lists([2.5 * np.eye(3)], [[84]], [[[0.3, 0.1, 0]]]))
    assert graphs.n_nodes.tolist() == [1]
    assert graphs.counts.tolist() == [6, 6]
    np.testing.assert_allclose(graphs.distances, [2.5, 2.5 * np.sqrt(2)], atol=1e-4)


def test_less_than_a_kilobyte_a_crystal():
    small = mp_crystals().take(np.flatnonzero(mp_crystals().n_sites <= 20))
    assert crystal_graphs(small).nbytes / len(small) < 1000


def test_take_and_weights():
    graphs = crystal_graphs(mp_crystals())
    chosen = np.asarray([5, 2, 2, 60])
    taken = graphs.take(chosen)
    assert taken.n_nodes.tolist() == graphs.n_nodes[chosen].tolist()
    shares = np.add.reduceat(node_weights(taken), taken.node_offsets[:-1])
    np.testing.assert_allclose(shares, 1.0, atol=1e-12)


def test_no_crystals_no_graphs():
    graphs = crystal_graphs(mp_crystals().take(np.zeros(0, dtype=np.int64)))
    assert len(graphs) == 0
    assert graphs.numbers.dtype == np.uint8
