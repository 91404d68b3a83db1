"""Compositions and Wyckoff positions as weighted sets: shares that add up, equal things merged."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.representations.weighted_sets import (
    composition_sets,
    sets_of_compositions,
    sets_of_labels,
    wyckoff_sets,
)
from aiida_mlhull.science.representations.wyckoff_positions.embedding import wyckoff_embedding
from aiida_mlhull.science.types import Crystals
from tests.science.real_crystals import disguised, mp_crystals, supercells


@pytest.mark.parametrize("made", [composition_sets, wyckoff_sets])
def test_weights_and_shares_add_up(made):
    sets = made(mp_crystals())
    assert len(sets) == 94
    np.testing.assert_allclose(np.add.reduceat(sets.weights * sets.counts, sets.node_offsets[:-1]), 1, rtol=1e-6)
    np.testing.assert_allclose(np.add.reduceat(sets.shares, sets.set_offsets[:-1]), 1, rtol=1e-6)


def test_a_composition_by_hand():
    sets = sets_of_compositions([reduce_formula(formula) for formula in ("Fe2O3", "O6Fe4", "Al")])
    assert sets.materials.tolist() == [0, 0, 1]
    assert sets.elements.tolist() == [8, 26, 13]
    np.testing.assert_allclose(sets.weights, [0.6, 0.4, 1.0])
    assert sets.counts.tolist() == [1, 1, 1]


def test_cesium_chloride_by_hand():
    """Pm-3m 1a and 1b change places with the origin: two letterings, each half."""
    sets = sets_of_labels(["AB_cP2_221_a_b:Cl-Cs"])
    a, b = (wyckoff_embedding().kind(221, letter) for letter in "ab")
    assert sets.set_offsets.tolist() == [0, 2]
    assert sets.shares.tolist() == [0.5, 0.5]
    assert sets.elements.tolist() == [17, 55, 17, 55]
    assert sorted([sets.kinds[:2].tolist(), sets.kinds[2:].tolist()]) == sorted([[a, b], [b, a]])
    np.testing.assert_allclose(sets.weights, 0.5)


def test_positions_of_one_letter_are_one_node():
    """Three oxygens on the general position of P1: one node, three times a quarter."""
    sets = sets_of_labels(["AB3_aP4_1_a_3a:Al-O"])
    assert sets.elements.tolist() == [8, 13]
    assert sets.counts.tolist() == [3, 1]
    np.testing.assert_allclose(sets.weights, 0.25)


@pytest.mark.parametrize("made", [composition_sets, wyckoff_sets])
def test_how_a_crystal_is_written_down_does_not_matter(made):
    crystals = mp_crystals().take(np.flatnonzero(mp_crystals().n_sites <= 8))
    ours = made(crystals)
    for others in (made(disguised(crystals, 5)), made(supercells(crystals))):
        for name, values in vars(ours).items():
            np.testing.assert_array_equal(getattr(others, name), values)


def test_distinct_has_every_material_once():
    crystals = mp_crystals().take([3, 1, 3, 3])
    sets = wyckoff_sets(crystals)
    assert sets.materials.tolist() == [0, 1, 0, 0]
    assert sets.distinct().materials.tolist() == [0, 1]


def test_a_crystal_without_label_has_no_symmetry(monkeypatch):
    monkeypatch.setattr(
        "aiida_mlhull.science.representations.weighted_sets.protostructures",
        lambda crystals: np.asarray(["" for _ in range(len(crystals))], dtype=np.str_),
    )
    quartz = Crystals.from_lists([5 * np.eye(3)], [[14, 14, 8, 8, 8, 8]], [np.random.default_rng(1).random((6, 3))])
    sets = wyckoff_sets(quartz)
    assert sets.elements.tolist() == [8, 14]
    assert sets.counts.tolist() == [2, 1]
    assert set(sets.kinds.tolist()) == {wyckoff_embedding().kind(1, "a")}
    np.testing.assert_allclose(sets.weights, 1 / 3)
