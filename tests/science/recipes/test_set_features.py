"""Sets of sources: which ones are looked at, and what is told of each."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from aiida_mlhull.science.recipes.set_features import SetTable, independent
from aiida_mlhull.science.recipes.source_features import Question, SourceTable
from aiida_mlhull.science.representations.composition import reduce_formula
from tests.science.recipes.written import written


def literature(*rows):
    return written(*((target, " + ".join(sorted(sources.split()))) for target, sources in rows))


def asked(table, formula, *, unseen=False):
    """Questions, with chances in proportion to the votes of near targets."""
    questions = table.questions(reduce_formula(formula), unseen=unseen)
    found = [np.maximum(one.features[:, 1].astype(float), 1e-8) for one in questions]
    return questions, [one / one.sum() for one in found]


def names_of(table, sets):
    return {frozenset(table.sources[i] for i in one) for one in sets}


def test_products_of_chances_are_those_of_all_combinations():
    rng = np.random.default_rng(0)
    questions = [Question(z, np.arange(4) + 4 * z, np.zeros((4, 1))) for z in range(3)]
    chances = rng.dirichlet(np.ones(4), size=3)
    every = {
        frozenset(q.sources[i] for q, i in zip(questions, places, strict=True)): float(
            np.prod([row[i] for row, i in zip(chances, places, strict=True)])
        )
        for places in product(range(4), repeat=3)
    }
    found = independent(questions, list(chances))
    best = sorted(every.values(), reverse=True)[: len(found)]
    assert len(found) == 40
    assert [every[one] for one in found] == pytest.approx(best)
    assert [np.exp(log) for log in found.values()] == pytest.approx(best)


OXYFLUORIDES = (
    ("Ba2TiO3F2", "BaCO3 BaF2 TiO2"),
    ("SrZrO3", "SrCO3 ZrO2"),
    ("Sr2TiO4", "SrCO3 TiO2"),
    ("SrF2", "SrF2 Sr"),
)


def test_a_second_source_is_added_for_an_anion_of_the_target_only():
    table = SourceTable(literature(*OXYFLUORIDES))
    sets = {
        formula: names_of(table, SetTable(table).candidates(reduce_formula(formula), *asked(table, formula)))
        for formula in ("Sr2TiO3F2", "Sr3Ti2O7")
    }
    three = frozenset(map(reduce_formula, ("SrCO3", "SrF2", "TiO2")))
    assert three in sets["Sr2TiO3F2"]
    assert all(any("F" in one.symbols for one in names) for names in sets["Sr2TiO3F2"] if len(names) > 2)
    assert three not in sets["Sr3Ti2O7"]
    assert frozenset(map(reduce_formula, ("SrCO3", "TiO2"))) in sets["Sr3Ti2O7"]


def test_a_salt_that_no_recipe_names_is_looked_at_where_the_target_has_its_anion():
    table = SourceTable(literature(("CsCaBr3", "CsBr CaBr2"), ("PbTiO3", "PbO TiO2")))
    bromide = table.place[reduce_formula("PbBr2")]
    sources = {
        formula: {i for one in table.questions(reduce_formula(formula)) for i in one.sources.tolist()}
        for formula in ("CsPbBr3", "Cs2PbO3")
    }
    assert bromide in sources["CsPbBr3"]
    assert bromide not in sources["Cs2PbO3"]


def test_a_published_set_is_described_as_if_its_part_of_the_systems_were_not_there():
    """The oracle is a table from which those recipes were taken."""
    metals, oxides = ("Ca", "Sr", "Ba", "Mg"), ("Ti", "Zr", "Sn", "Hf", "Si", "Ge")
    rows = [
        row for a in metals for m in oxides for row in ((f"{a}{m}O3", f"{a}CO3 {m}O2"), (f"{a}2{m}O4", f"{a}O {m}O2"))
    ]
    target = reduce_formula("BaTiO3")
    whole = SourceTable(literature(*rows))
    out = whole.left_out_with(target)
    assert 2 < out.sum() < len(rows) / 2
    less = SourceTable(literature(*(row for row, lacking in zip(rows, out, strict=True) if not lacking)))
    told = {}
    for table, unseen in ((whole, True), (less, False), (whole, False)):
        questions, chances = asked(table, "BaTiO3", unseen=unseen)
        sets = SetTable(table)
        logs = sets.candidates(target, questions, chances)
        features = sets.features(target, logs, questions, chances, unseen=unseen)
        names = [frozenset(table.sources[i] for i in one) for one in logs]
        told[table is whole, unseen] = dict(zip(names, features, strict=True))
    mine, oracle, full = told[True, True], told[False, False], told[True, False]
    assert set(mine) == set(oracle)
    published = frozenset(map(reduce_formula, ("BaCO3", "TiO2")))
    assert mine[published] == pytest.approx(oracle[published], rel=1e-4, abs=1e-6)
    assert np.abs(mine[published] - full[published]).max() > 1e-3
