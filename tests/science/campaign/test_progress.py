"""Rates, times that are left, and the alarm, against simulations and hand-worked cases."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.campaign.progress import CONFIDENCE, overlap, pace, standstill, without


def test_intervals_that_overlap_count_once():
    assert overlap([(0, 10), (5, 12), (20, 30)], since=-np.inf, until=25) == 17
    assert overlap([(0, 10), (5, 12)], since=8, until=11) == 3
    assert overlap([], since=0, until=10) == 0


def test_pauses_are_cut_out():
    assert without([(0, 10), (12, 20)], [(4, 6), (9, 14)]) == [(0, 4), (6, 9), (14, 20)]


def test_no_result_no_pace():
    assert pace([], [(0, 10)], now=10, left=5, left_at_most=5) is None


def test_a_steady_stage():
    """One candidate a second for a minute: the other sixty take another minute."""
    found = pace([(float(second), 1) for second in range(1, 61)], [(0.0, 60.0)], now=60.0, left=60, left_at_most=60)
    assert found is not None
    assert found.per_hour == pytest.approx(3600)
    assert found.seconds_left == pytest.approx(60)
    assert 40 < found.shortest < 60 < found.longest < 90


def test_time_in_which_the_stage_was_not_at_work_does_not_count():
    results = [(1.0, 1), (2.0, 1), (1001.0, 1), (1002.0, 1)]
    found = pace(results, [(0, 2), (1000, 1002)], now=1002, left=2, left_at_most=2)
    assert found is not None
    assert found.per_hour == pytest.approx(3600)


def test_only_the_newest_results_say_how_fast_it_goes_now():
    slow = [(100.0 * number, 1) for number in range(1, 101)]
    fast = [(10_000.0 + number, 1) for number in range(1, 101)]
    found = pace(slow + fast, [(0, 10_100)], now=10_100, left=100, left_at_most=100)
    assert found is not None
    assert found.seconds_left == pytest.approx(100)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Twenty tables have come at random; how long do thirty more take? Simulated 2,000 times."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        moments = np.cumsum(rng.exponential(7.0, size=50))
        so_far = [(float(moment), 4) for moment in moments[:20]]
        found = pace(so_far, [(0.0, float(moments[19]))], now=float(moments[19]), left=120, left_at_most=120)
        assert found is not None
        held += found.shortest <= moments[49] - moments[19] <= found.longest
    assert held / 2000 == pytest.approx(CONFIDENCE, abs=0.03)


def test_the_alarm_goes_by_the_median():
    assert standstill(1e6, []) == ""
    assert standstill(400, [100] * 9 + [1e5]) == ""
    assert standstill(501, [100] * 9 + [1e5]).startswith("nothing has moved for 501 s; half of the jobs")
    assert standstill(59, [0.1]) == ""
    assert standstill(61, [0.1]) != ""


def test_quantiles_are_those_of_the_beta_prime_distribution():
    from scipy.stats import betaprime

    found = pace([(float(second), 2) for second in range(1, 31)], [(0.0, 30.0)], now=30.0, left=24, left_at_most=40)
    assert found is not None
    tail = (1 - CONFIDENCE) / 2
    assert found.shortest == pytest.approx(30.0 * betaprime.ppf(tail, 12, 30), rel=1e-9)
    assert found.longest == pytest.approx(30.0 * betaprime.ppf(1 - tail, 20, 30), rel=1e-9)
