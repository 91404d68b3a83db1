"""Compounds that a metal has, by hand."""

from __future__ import annotations

from aiida_mlhull.science.recipes.simple_compounds import simple_compounds
from aiida_mlhull.science.representations.composition import NUMBERS, reduce_formula


def named(symbol, anion=""):
    anions = {0, NUMBERS[anion]} if anion else {0}
    return {one for wanted, one in simple_compounds(NUMBERS[symbol]) if wanted in anions}


def of(*formulas):
    return set(map(reduce_formula, formulas))


def test_a_metal_has_its_oxide_its_nitrate_and_the_salts_of_the_targets_anions():
    assert named("Zn") == of("Zn", "ZnO", "Zn(NO3)2")
    assert named("Zn", "F") - named("Zn") == of("ZnF2")
    assert named("Zn", "N") - named("Zn") == of("Zn3N2")
    assert named("Fe", "S") - named("Fe") == of("FeS", "Fe2S3")


def test_no_element_is_a_salt_of_itself():
    assert all(len(one.numbers) > 1 for wanted, one in simple_compounds(NUMBERS["Te"]) if wanted)
    assert NUMBERS["Te"] not in {wanted for wanted, _ in simple_compounds(NUMBERS["Te"])}


def test_an_element_without_oxidation_states_has_itself():
    assert named("He") == of("He")
