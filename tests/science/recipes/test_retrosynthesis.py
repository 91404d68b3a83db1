"""Sources of metals as the literature chooses them."""

from __future__ import annotations

import pytest

from aiida_mlhull.science.recipes.retrosynthesis import Retrosynthesis, exact_sets, metal_sources
from aiida_mlhull.science.representations.composition import reduce_formula
from tests.science.recipes.written import written


def formulas(names):
    return frozenset(map(reduce_formula, names))


PUBLISHED = written(
    ("BaTiO3", "BaCO3 + TiO2"),
    ("BaZrO3", "BaCO3 + ZrO2"),
    ("BaS", "Ba + S"),
    ("TiS2", "S + Ti"),
    ("BaSnO3", "BaCO3 + SnO2"),
    ("SrTiO3", "SrCO3 + TiO2"),
)


def test_the_most_popular_sources_come_first():
    sets = Retrosynthesis(PUBLISHED, voting="popularity").sets(reduce_formula("Ba2TiO4"))
    assert sets[0] == formulas(["BaCO3", "TiO2"])
    assert len(sets) == 4
    assert len(set(sets)) == 4


def test_similar_targets_have_more_votes():
    """A sulfide is made from elements, although more recipes use the carbonate."""
    near = Retrosynthesis(PUBLISHED).sets(reduce_formula("BaTiS3"))
    popular = Retrosynthesis(PUBLISHED, voting="popularity").sets(reduce_formula("BaTiS3"))
    assert near[0] == formulas(["Ba", "Ti"])
    assert popular[0] == formulas(["BaCO3", "TiO2"])


def test_an_unknown_metal_has_no_answer():
    assert Retrosynthesis(PUBLISHED).sets(reduce_formula("CaTiO3")) == []


def test_exact_sets_are_counted():
    asked = written(("Ba2TiO4", "BaCO3 + TiO2"), ("Ba3Ti2O7", "Ba + TiO2"), ("CaO", "Ca + O"))
    scores = exact_sets(Retrosynthesis(PUBLISHED, voting="popularity"), asked)
    assert scores == {1: pytest.approx(1 / 3), 5: pytest.approx(2 / 3)}
    assert metal_sources(formulas(["Ba", "O", "NaCl", "S"])) == formulas(["Ba", "NaCl"])
