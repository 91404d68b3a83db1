"""Representations are counted as many as they are listed, and listed as they are."""

from __future__ import annotations

from collections import Counter
from itertools import combinations_with_replacement, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.representations.protostructure import letters_of, read_protostructure
from aiida_mlhull.science.representations.wyckoff import label_of, protostructures
from aiida_mlhull.science.representations.wyckoff_positions import enumeration
from aiida_mlhull.science.representations.wyckoff_positions.enumeration import count_representations, representations
from aiida_mlhull.science.representations.wyckoff_tables import free_coordinates, multiplicities, relabelings
from tests.science.real_crystals import mp_crystals

TINY = {"max_sites": 6, "max_positions": 3}


def listed(group, formula, **limits):
    return list(representations(group, reduce_formula(formula), **limits))


def counted(group, formula, **limits):
    return count_representations(group, reduce_formula(formula), **limits)


def by_brute_force(group, amounts, *, max_sites, max_positions):
    """Every multiset of (element, letter) tried; equivalent ones told by their whole orbit."""
    sites, free = multiplicities(group), free_coordinates(group)
    slots = [(element, letter) for element in range(len(amounts)) for letter in sites]
    orbits = set()
    for size in range(1, max_positions + 1):
        for chosen in combinations_with_replacement(slots, size):
            counts = [sum(sites[letter] for element, letter in chosen if element == e) for e in range(len(amounts))]
            units = counts[0] // amounts[0]
            fits = units > 0 and counts == [units * amount for amount in amounts] and sum(counts) <= max_sites
            fixed = Counter(letter for _, letter in chosen if not free[letter])
            if fits and max(fixed.values(), default=1) == 1:
                images = (
                    tuple(sorted((element, choice[letter]) for element, letter in chosen))
                    for choice in relabelings(group)
                )
                orbits.add(min(images))
    return len(orbits)


@pytest.mark.parametrize("group", [1, 2, 16, 47, 99, 123, 146, 148, 166, 191, 215, 216, 221, 225, 227])
@pytest.mark.parametrize(("formula", "amounts"), [("Ti", (1,)), ("TiN", (1, 1)), ("Ti2N", (1, 2))])
def test_counts_are_those_of_brute_force(group, formula, amounts):
    limits = {"max_sites": 8, "max_positions": 3}
    assert counted(group, formula, **limits) == by_brute_force(group, amounts, **limits)


@pytest.mark.parametrize(("formula", "at_least"), [("TiN", 900), ("ZnTiN2", 200)])
def test_counted_is_listed_in_all_groups(formula, at_least):
    total = 0
    for group in range(1, 231):
        found = listed(group, formula, **TINY)
        assert len(set(found)) == len(found) == counted(group, formula, **TINY), group
        total += len(found)
    assert total > at_least


def test_rock_salt_and_zinc_blende_are_there_once():
    assert listed(225, "TiN", max_sites=8, max_positions=2) == ["AB_cF8_225_a_b:N-Ti"]
    assert listed(216, "TiN", max_sites=8, max_positions=2) == ["AB_cF8_216_a_b:N-Ti", "AB_cF8_216_a_c:N-Ti"]
    assert "A2B_cF12_225_c_a:Li-O" in listed(225, "Li2O", max_sites=12, max_positions=2)


def test_positions_without_freedom_take_one_element_once():
    """In Pm-3m two elements on multiplicity-one positions: a and b, lettered either way."""
    assert listed(221, "TiN", max_sites=2, max_positions=2) == ["AB_cP2_221_a_b:N-Ti"]
    assert listed(1, "Ti", max_sites=2, max_positions=2) == ["A_aP1_1_a:Ti", "A_aP2_1_2a:Ti"]


@settings(max_examples=40, deadline=None)
@given(group=st.integers(1, 230), sites=st.integers(1, 10), positions=st.integers(1, 3))
def test_more_room_never_holds_less(group, sites, positions):
    fewer = set(listed(group, "TiN", max_sites=sites, max_positions=positions))
    more = set(listed(group, "TiN", max_sites=sites + 2, max_positions=positions + 1))
    assert fewer <= more
    for label in list(fewer)[:3]:
        read = read_protostructure(label)
        assert read.formula == "TiN"
        assert read.n_sites <= sites
        assert read.n_positions <= positions


def test_labels_of_real_crystals_are_canonical():
    """Taken apart and put together again without a crystal, Pearson symbol and all."""
    for label in protostructures(mp_crystals()).tolist():
        group, elements, letters = letters_of(label)
        occupied = tuple(tuple(sorted(Counter(word).items())) for word in letters)
        assert label_of(group, elements, occupied) == label


def test_every_lettering_has_the_canonical_label():
    """Zinc blende by its four pairs of positions a quarter apart, in both directions."""
    for nitrogen, titanium in ("ac", "cb", "bd", "da", "ca", "bc", "db", "ad"):
        assert label_of(216, ("N", "Ti"), (((nitrogen, 1),), ((titanium, 1),))) == "AB_cF8_216_a_c:N-Ti"


def test_large_spaces_are_counted_without_listing():
    limits = {"max_sites": 64, "max_positions": 16}
    assert counted(47, "ZnTiN2", **limits) > 10**9
    assert len(list(islice(representations(47, reduce_formula("ZnTiN2"), **limits), 5))) == 5


def test_python_s_integers_count_the_same(monkeypatch):
    """What is done where 64 bits might not be enough."""
    limits = {"max_sites": 24, "max_positions": 6}
    fast = counted(47, "ZnTiN2", **limits)
    monkeypatch.setattr(enumeration, "SAFE", 0)
    enumeration._unchanged.cache_clear()
    assert counted(47, "ZnTiN2", **limits) == fast > 10**4
    assert counted(1, "Ti", max_sites=200, max_positions=200) == 200


def test_no_room_and_no_group():
    assert counted(225, "TiN", max_sites=1, max_positions=4) == 0
    assert listed(225, "TiN", max_sites=1, max_positions=4) == []
    with pytest.raises(CrystalError, match="no space group 231"):
        counted(231, "TiN", **TINY)
