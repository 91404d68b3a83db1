"""Orders of calculations: ideal, random, worst."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics import discovery_curve, discovery_curves, lead_changes

HITS = np.asarray([True, False, False, True, False, False, False, False, False, False])


def test_by_hand():
    curve = discovery_curve(np.asarray([0, 1, 3]), HITS)
    assert curve.hits.tolist() == [0, 1, 1, 2]
    np.testing.assert_allclose(curve.recall, [0, 0.5, 0.5, 1.0])
    np.testing.assert_allclose(curve.precision[1:], [1, 0.5, 2 / 3])
    np.testing.assert_allclose(curve.enrichment[1:], [5, 2.5, 10 / 3])
    assert curve.acceleration(0.5) == pytest.approx(11 / 3)
    assert curve.acceleration(1.0) == pytest.approx(2 * 11 / 3 / 3)


def test_area_is_one_for_the_ideal_order_and_minus_one_for_the_worst():
    best = np.argsort(~HITS, kind="stable")
    assert discovery_curve(best, HITS).area == pytest.approx(1.0)
    assert discovery_curve(best[::-1], HITS).area == pytest.approx(-1.0)
    assert discovery_curve(best[:2], HITS).area == pytest.approx(1.0)


def test_random_orders_are_worth_nothing_on_average():
    rng = np.random.default_rng(4)
    hits = rng.random(200) < 0.1
    curves = [discovery_curve(rng.permutation(200), hits) for _ in range(400)]
    assert np.mean([curve.area for curve in curves]) == pytest.approx(0.0, abs=0.02)
    needed = [np.flatnonzero(curve.hits >= np.ceil(0.5 * hits.sum()))[0] for curve in curves]
    half = curves[0]
    assert np.mean(needed) == pytest.approx(np.ceil(0.5 * hits.sum()) * 201 / (hits.sum() + 1), rel=0.05)
    assert half.acceleration(0.5) == pytest.approx(np.ceil(0.5 * hits.sum()) * 201 / (hits.sum() + 1) / needed[0])


def test_nothing_to_find():
    curve = discovery_curve(np.asarray([1, 0]), np.zeros(3, dtype=bool))
    assert np.isnan(curve.area)
    assert np.isnan(curve.acceleration(0.5))
    assert np.isnan(curve.recall).all()


def test_refuses_an_order_that_repeats():
    with pytest.raises(TableError, match="at most once"):
        discovery_curve(np.asarray([1, 1]), HITS)
    with pytest.raises(TableError, match="at most once"):
        discovery_curve(np.asarray([10]), HITS)


def test_one_curve_for_every_notion_of_stable():
    above = np.asarray([0.0, 0.005, 0.02, 0.025, 0.5, 1e-9])
    curves = discovery_curves(np.asarray([4, 5, 2, 0]), above)
    assert {limit: (curve.hits.tolist(), curve.total) for limit, curve in curves.items()} == {
        0.0: ([0, 0, 1, 1, 2], 2),
        0.01: ([0, 0, 1, 1, 2], 3),
        0.02: ([0, 0, 1, 2, 3], 4),
        0.03: ([0, 0, 1, 2, 3], 5),
    }


def test_orders_cross_over_where_the_other_one_has_found_more():
    hits = np.asarray([True, False, True, False, False, True, False, False])
    early = discovery_curve(np.asarray([0, 1, 3, 4, 2, 5, 6, 7]), hits)  # 1 1 1 1 2 3
    late = discovery_curve(np.asarray([1, 0, 2, 3, 4, 6, 5, 7]), hits)  # 0 1 2 2 2 2 3
    assert lead_changes(early, late) == [3, 6] == lead_changes(late, early)
    assert lead_changes(early, early) == []


def test_crossings_are_those_of_precision_and_of_recall():
    chance = np.random.default_rng(4)
    hits = chance.random(200) < 0.2
    curves = [discovery_curve(chance.permutation(200), hits) for _ in range(2)]
    told = lead_changes(*curves)
    assert len(told) > 1
    for kind in ("precision", "recall"):
        first, second = (getattr(curve, kind) for curve in curves)
        ahead, found = 0, []
        for n in range(1, 201):
            now = int(np.sign(first[n] - second[n]))
            if now and ahead and now != ahead:
                found.append(n)
            ahead = now or ahead
        assert told == found


def test_orders_of_other_candidates_are_not_compared():
    with pytest.raises(TableError, match="same candidates"):
        lead_changes(
            discovery_curve(np.arange(2), np.asarray([True, False])),
            discovery_curve(np.arange(3), np.ones(3, dtype=bool)),
        )
