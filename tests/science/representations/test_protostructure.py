"""Labels taken apart, against spglib, pymatgen's counts and the textbook."""

from __future__ import annotations

from collections import Counter

import pytest
import spglib
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.analysis.prototypes import (
    WYCKOFF_MULTIPLICITY_DICT,
    count_crystal_sites,
    count_wyckoff_positions,
    get_protostructure_label_from_spglib,
)
from pymatgen.core import Composition, Lattice, Structure

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.protostructure import canonical_spelling, read_protostructure

ROCK_SALT = Structure.from_spacegroup(225, Lattice.cubic(4.24), ["Ti", "N"], [[0, 0, 0], [0.5, 0.5, 0.5]])
SPINEL = Structure.from_spacegroup(
    227, Lattice.cubic(8.08), ["Mg", "Al", "O"], [[0.125, 0.125, 0.125], [0.5, 0.5, 0.5], [0.2624, 0.2624, 0.2624]]
)
RUTILE = Structure.from_spacegroup(136, Lattice.tetragonal(4.59, 2.96), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]])
LABELS = [
    "AB_cF8_225_a_b:N-Ti",
    "AB2_oS6_71_a_i:Ca-Si",
    "AB_oP4_59_a_a:N-Ti",
    "A2B3_hR10_167_c_e:Al-O",
    "A_cI58_217_ac2g:Mn",
]


@pytest.mark.parametrize("structure", [ROCK_SALT, SPINEL, RUTILE], ids=["rock salt", "spinel", "rutile"])
def test_positions_and_sites_are_those_that_spglib_finds(structure: Structure) -> None:
    wyckoff = read_protostructure(get_protostructure_label_from_spglib(structure))
    found = spglib.get_symmetry_dataset((structure.lattice.matrix, structure.frac_coords, structure.atomic_numbers))
    assert wyckoff.space_group == found.number
    assert wyckoff.n_sites == len(structure)
    assert wyckoff.n_positions == len(set(found.equivalent_atoms))
    orbits = Counter(found.equivalent_atoms)
    sites = sorted((structure[int(first)].specie.symbol, count) for first, count in orbits.items())
    assert sites == sorted(zip(wyckoff.elements, wyckoff.multiplicities, strict=True))
    assert wyckoff.formula == structure.composition.reduced_formula


def test_rock_salt_can_be_lettered_in_two_ways() -> None:
    wyckoff = read_protostructure("AB_cF8_225_a_b:N-Ti")
    assert wyckoff.letters == ("a", "b")
    assert wyckoff.multiplicities == (4, 4)
    assert wyckoff.equivalents == (("a", "b"), ("b", "a"))


def test_zinc_blende_can_be_lettered_in_every_way_that_keeps_the_two_a_quarter_apart() -> None:
    equivalents = read_protostructure("AB_cF8_216_a_c:N-Zn").equivalents
    quarters = {"a": 0, "c": 1, "b": 2, "d": 3}
    assert {(quarters[one] - quarters[two]) % 4 for one, two in equivalents} == {1, 3}
    assert len(equivalents) == 8


def test_repeated_letters_are_spelled_out() -> None:
    wyckoff = read_protostructure("A_cI58_217_ac2g:Mn")
    assert wyckoff.letters == ("a", "c", "g", "g")
    assert wyckoff.multiplicities == (2, 8, 24, 24)


@pytest.mark.parametrize("label", LABELS)
def test_counts_are_those_of_pymatgen(label: str) -> None:
    wyckoff = read_protostructure(label)
    assert wyckoff.n_positions == count_wyckoff_positions(label)
    assert wyckoff.n_sites == count_crystal_sites(label)


@pytest.mark.parametrize("label", LABELS)
def test_equivalent_letterings_have_the_same_sites(label: str) -> None:
    wyckoff = read_protostructure(label)
    table = WYCKOFF_MULTIPLICITY_DICT[str(wyckoff.space_group)]
    assert wyckoff.letters in wyckoff.equivalents
    for letters in wyckoff.equivalents:
        per_element = Counter()
        for element, letter in zip(wyckoff.elements, letters, strict=True):
            per_element[element] += table[letter]
        assert Composition(per_element).reduced_formula == wyckoff.formula


@pytest.mark.parametrize(
    ("spelled", "canonical"),
    [
        ("AB_cF8_225_b_a:N-Ti", "AB_cF8_225_a_b:N-Ti"),
        ("AB_cF8_216_d_b:N-Zn", "AB_cF8_216_a_c:N-Zn"),
        ("A2B3_hR10_167_c_e:Al-O", "A2B3_hR30_167_c_e:Al-O"),
        ("A_cI58_217_ac2g:Mn", "A_cI58_217_ac2g:Mn"),
    ],
)
def test_one_spelling_for_all(spelled: str, canonical: str) -> None:
    assert canonical_spelling(spelled) == canonical


def test_elements_do_not_change_the_prototype() -> None:
    titanium, zinc = (read_protostructure(f"AB2_oS6_71_a_i:{pair}") for pair in ("Ca-Si", "Ti-Zn"))
    swapped = read_protostructure("A2B_oS6_71_i_a:Ca-Si")
    assert titanium.prototype == zinc.prototype == swapped.prototype


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("", "not a protostructure label"),
        ("AB_cF8_225_a_b:Na-Xx", "don't belong together"),
        ("AB_cF8_225_a_b", "not a protostructure label"),
        ("AB_cF8_231_a_b:N-Ti", "no space group 231"),
        ("AB_cF8_225_a_z:N-Ti", "belong together"),
        ("AB_cF8_225_a_b:N-Ti-Zn", "belong together"),
        ("AB_cF8_225_a_b:Ti-N", "belong together"),
        ("AB2_cF8_225_a_b:N-Ti", r"add up to \[4, 4\] sites, the formula says \[1, 2\]"),
    ],
)
def test_what_is_no_label_is_refused(label: str, message: str) -> None:
    with pytest.raises(CrystalError, match=message):
        read_protostructure(label)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(CrystalError):
        read_protostructure(text)
