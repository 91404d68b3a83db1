"""The tables as pymatgen hands them out, and as the International Tables count them."""

from __future__ import annotations

import pytest
from pymatgen.analysis import prototypes

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.wyckoff_tables import free_coordinates, multiplicities, relabelings


def test_same_as_pymatgen_s():
    for group in range(1, 231):
        assert multiplicities(group) == prototypes.WYCKOFF_MULTIPLICITY_DICT[str(group)]
        assert free_coordinates(group) == prototypes.WYCKOFF_POSITION_PARAM_DICT[str(group)]
        choices = prototypes.WYCKOFF_POSITION_RELAB_DICT[str(group)]
        assert relabelings(group) == [{chr(old): new for old, new in choice.items()} for choice in choices]


def test_1731_positions():
    assert sum(len(multiplicities(group)) for group in range(1, 231)) == 1731


def test_equivalent_sets_of_r_3():
    """Inversion centers a and b change places, so do d and e; the others stay."""
    moved = {letter: {choice[letter] for choice in relabelings(148)} for letter in multiplicities(148)}
    assert moved["a"] == moved["b"] == {"a", "b"}
    assert moved["d"] == moved["e"] == {"d", "e"}
    assert moved["c"] == {"c"}
    assert moved["f"] == {"f"}


def test_relabeling_keeps_multiplicity_and_freedom():
    for group in range(1, 231):
        for choice in relabelings(group):
            assert sorted(choice) == sorted(choice.values()) == sorted(multiplicities(group))
            for old, new in choice.items():
                assert multiplicities(group)[old] == multiplicities(group)[new]
                assert free_coordinates(group)[old] == free_coordinates(group)[new]


@pytest.mark.parametrize("read", [multiplicities, free_coordinates, relabelings])
def test_no_such_group(read):
    with pytest.raises(CrystalError, match="no space group 231"):
        read(231)
