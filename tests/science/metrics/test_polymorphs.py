"""Pairs of polymorphs in the right order, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.metrics.polymorphs import ranked


def test_pairs_of_one_composition_are_counted():
    true = np.array([0.0, 0.1, 0.2, 0.205, 5.0, 6.0])
    said = np.array([0.0, 0.3, 0.2, 0.2, 1.0, 0.0])
    groups = np.array([0, 0, 0, 0, 1, 1])
    # Of group 0, (2, 3) is too near to count, and (1, 2), (1, 3) are wrong of five; group 1 has one pair, wrong.
    assert ranked(said, true, groups) == {"pairs": 3 / 6, "pairs_by_composition": (3 / 5 + 0) / 2, "ties": 0.0}


def test_ties_count_as_halves():
    true, groups = np.array([0.0, 1.0, 2.0]), np.zeros(3, dtype=int)
    assert ranked(np.zeros(3), true, groups) == {"pairs": 0.5, "pairs_by_composition": 0.5, "ties": 1.0}


def test_nothing_to_rank():
    assert np.isnan(ranked(np.zeros(2), np.zeros(2), np.arange(2))["pairs"])


def test_groups_may_be_formulas():
    true = np.array([0.0, 0.1, 0.105, 0.0, 1.0])
    formulas = np.array(["A", "A", "A", "B", "B"])
    said = ranked(np.array([0, 1, 2, 5, 4.0]), true, formulas)
    assert said["pairs"] == pytest.approx(2 / 3), "5 meV is no order"
    assert ranked(np.zeros(5), true, formulas)["pairs"] == 0.5
