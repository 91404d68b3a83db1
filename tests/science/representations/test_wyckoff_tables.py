"""The tables as pymatgen hands them out, and as the International Tables count them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from pymatgen.analysis import prototypes

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.wyckoff_positions.embedding import coordinates
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


def test_four_cosets_of_r_3():
    """The affine maps that carry R-3 onto itself, modulo the group: half a step along c, a turn about a diagonal.

    Applied to the sites of every position they permute the letters by the table, two of them not at all.
    """
    half, turn = np.asarray([0.0, 0.0, 0.5]), np.asarray([[0, 1, 0], [1, 0, 0], [0, 0, -1]])
    cosets = [(np.eye(3), 0 * half), (np.eye(3), half), (turn, 0 * half), (turn, half)]
    place = np.asarray([0.137, 0.291, 0.083])
    orbits = {letter: sites_of(148, letter) for letter in "abcdef"}
    permuted = []
    for rotation, shift in cosets:
        choice = {}
        for letter, (matrices, offsets) in orbits.items():
            moved = rotation @ (matrices[0] @ place + offsets[0]) + shift
            (choice[letter],) = [other for other, orbit in orbits.items() if lies_on(moved, orbit)]
        permuted.append(choice)
    swapped = {"a": "b", "b": "a", "c": "c", "d": "e", "e": "d", "f": "f"}
    assert permuted == [dict(zip("abcdef", "abcdef", strict=True)), swapped] * 2
    assert {tuple(sorted(choice.items())) for choice in permuted} == {
        tuple(sorted(choice.items())) for choice in relabelings(148)
    }


def sites_of(group, letter):
    """Affine maps of a position's sites, from the first triplet of the International Tables."""
    triplets = {"a": "0 0 0", "b": "0 0 1/2", "c": "0 0 z", "d": "1/2 0 1/2", "e": "1/2 0 0", "f": "x y z"}
    matrices, offsets = coordinates(group, triplets[letter])
    return matrices.reshape(-1, 3, 3), offsets / 24


def lies_on(point, orbit):
    """Whether some choice of the free coordinates puts a site of the position on the point, and no more special one."""
    matrices, offsets = orbit
    free = int(np.linalg.matrix_rank(matrices[0]))
    for matrix, offset in zip(matrices, offsets, strict=True):
        for cell in product((-1, 0, 1), repeat=3):
            xyz = np.linalg.lstsq(matrix.astype(float), point + cell - offset, rcond=None)[0]
            if np.allclose(matrix @ xyz + offset, point + cell, atol=1e-9):
                return free == freedom(point)
    return False


def freedom(point):
    """Free coordinates of the position of R-3 that the point lies on, by hand: the threefold axis, its centers."""
    centers = [np.asarray(c) for c in ((0, 0, 0), (0, 0, 0.5), (0.5, 0, 0), (0.5, 0, 0.5))]
    maps = [(m.reshape(3, 3), t / 24) for m, t in zip(*coordinates(148, "x y z"), strict=True)]
    images = [matrix @ point + offset for matrix, offset in maps]
    if any(np.allclose((image - c + 0.5) % 1.0, 0.5) for image in images for c in centers):
        return 0
    return 1 if any(np.allclose((image[:2] + 0.5) % 1.0, 0.5) for image in images) else 3


def test_relabelings_are_groups():
    """What makes counting by Burnside's lemma right: one choice after another is a choice."""
    for group in range(1, 231):
        letters = sorted(multiplicities(group))
        choices = {tuple(choice[letter] for letter in letters) for choice in relabelings(group)}
        maps = [dict(zip(letters, choice, strict=True)) for choice in choices]
        assert all(tuple(one[other[letter]] for letter in letters) in choices for one in maps for other in maps)


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
