"""What the benchmarks of recipes say beside the models: agreement of publications, intervals, choices with weights."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.recipes import Literature
from aiida_mlhull.science.types import Recipes
from benchmarks.recipe_selectivity import chosen, fitted
from benchmarks.recipes import agreement, interval


def literature(*rows):
    n = len(rows)
    empty, unknown = [""] * n, np.full(n, np.nan)
    return Literature(
        Recipes.from_rows(
            ids=[f"{i:03d}" for i in range(n)], formulas=[row[0] for row in rows], precursors=[row[1] for row in rows],
            amounts=empty, actions=empty, temperatures=unknown, hours=unknown, atmospheres=empty, references=empty,
            kinds=["solid_state"] * n, parents=empty,
        )
    )  # fmt: skip


def test_publications_agree_where_most_others_of_the_same_target_have_the_same_sources():
    """By hand; a target that was published once does not count."""
    three = [("BaTiO3", "BaCO3 + TiO2"), ("BaTiO3", "BaCO3 + TiO2"), ("BaTiO3", "BaO + TiO2")]
    found = agreement(literature(*three, ("SrTiO3", "SrO + TiO2")))
    assert found["recipes"] == 3
    # the first two see one alike and one other, a tie; the third sees two that are not its own
    assert found["as_most_others"] == pytest.approx((0.5 + 0.5 + 0.0) / 3, abs=1e-4)


def test_systems_are_drawn_again_as_wholes():
    values = np.repeat([0.0, 1.0], 50)
    apart = [f"system {i}" for i in range(100)]
    low, high = interval(values, apart)
    assert low == pytest.approx(0.4, abs=0.02)
    assert high == pytest.approx(0.6, abs=0.02)
    assert interval(values, ["first"] * 50 + ["second"] * 50) == [0.0, 1.0]


def test_weights_of_a_choice_are_found_again():
    rng = np.random.default_rng(0)
    true = np.asarray([1.5, -0.7])
    features = [rng.normal(size=(4, 2)) for _ in range(2000)]
    right = [int(np.argmax(rows @ true + rng.gumbel(size=4))) for rows in features]
    assert fitted(features, right) == pytest.approx(true, abs=0.12)
    systems = [f"system {i % 97}" for i in range(2000)]
    both, second = chosen(features, right, systems, [0, 1]), chosen(features, right, systems, [1])
    best = np.mean([np.argmax(rows @ true) == place for rows, place in zip(features, right, strict=True)])
    assert (both == 0).mean() == pytest.approx(best, abs=0.01)
    assert 0.25 < (second == 0).mean() < (both == 0).mean()
