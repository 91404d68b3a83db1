"""Shares of elements and space groups, and what is new: counted once more by hand and by pymatgen."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from pymatgen.core import Composition

from aiida_mlhull.science.prospecting.statistics import element_shares, novelty, space_group_shares
from tests.science.real_crystals import pnictides

ROCK_SALT, ZINC_BLENDE = "AB_cF8_225_a_b:{}-{}", "AB_cF8_216_a_c:{}-{}"
LEFT, RIGHT = "A2B_hP9_152_c_a:O-Si", "A2B_hP9_154_c_a:O-Si"


def test_elements_are_counted_by_rows():
    rows = pnictides()
    chosen = np.arange(len(rows)) % 3 == 0
    told = element_shares(rows.formulas, chosen, most=4)
    held = [{element.symbol for element in Composition(formula)} for formula in rows.formulas.tolist()]
    mine = [one for one, keep in zip(held, chosen.tolist(), strict=True) if keep]
    for symbol, (here, there) in told.items():
        assert here == pytest.approx(np.mean([symbol in one for one in mine]))
        assert there == pytest.approx(np.mean([symbol in one for one in held]))
    counts = Counter(symbol for one in mine for symbol in one)
    assert list(told) == [symbol for symbol, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:4]]
    assert next(iter(told.values()))[0] == 1.0  # all are arsenides


def test_space_groups_are_those_of_the_labels_and_rows_without_one_count_as_rows():
    labels = np.asarray([ROCK_SALT.format("Mg", "O")] * 3 + [ZINC_BLENDE.format("S", "Zn")] + [""])
    told = space_group_shares(labels, np.asarray([True, True, False, True, True]))
    assert told == {"225": (0.5, 0.6), "216": (0.25, 0.2)}


def test_nothing_chosen_has_no_shares():
    assert element_shares(np.asarray(["MgO", "ZnS"]), np.zeros(2, dtype=bool)) == {}


def test_what_is_new_in_which_system():
    known_labels = np.asarray([ROCK_SALT.format("Mg", "O"), LEFT, ""])
    known_formulas = np.asarray(["MgO", "SiO2", "CaO"])
    rows = {
        ROCK_SALT.format("Mg", "O"): "MgO",  # known
        RIGHT: "SiO2",  # its mirror image is
        ROCK_SALT.format("Ca", "O"): "CaO",  # a known system, no known crystal; of a known kind
        ZINC_BLENDE.format("Mg", "O"): "MgO",  # of a kind that isn't
        ROCK_SALT.format("N", "Ti"): "TiN",  # a system without a known compound
    }
    labels, formulas = (np.asarray(column) for column in (list(rows), list(rows.values())))
    found = novelty(np.append(labels, ""), np.append(formulas, "BN"), known_labels, known_formulas)
    assert (found.rows, found.unlabeled, found.known_labels) == (6, 1, 2)
    assert (found.new_in_known_systems, found.new_in_new_systems, found.new_kinds) == (2, 1, 1)


def test_without_anything_known_all_is_new():
    empty = np.asarray([], dtype=np.str_)
    found = novelty(np.asarray([LEFT]), np.asarray(["SiO2"]), empty, empty)
    assert (found.new_in_new_systems, found.new_kinds) == (1, 1)
