"""What counts as one and the same failure, and what doesn't."""

from __future__ import annotations

from aiida_mlhull.science.campaign.breaker import same_failure


def test_ten_of_a_kind():
    assert same_failure([(1, {"out_of_time": 1})] * 10, first=10) == "out_of_time"
    assert same_failure([(6, {"engine_error": 6}), (6, {"engine_error": 6})], first=10) == "engine_error"


def test_not_enough_of_them_yet():
    assert same_failure([(1, {"out_of_time": 1})] * 9, first=10) == ""
    assert same_failure([], first=10) == ""


def test_one_energy_is_enough_to_go_on():
    assert same_failure([(1, {}), *[(1, {"out_of_time": 1})] * 20], first=10) == ""
    assert same_failure([(20, {"out_of_time": 19})], first=10) == ""


def test_different_reasons_are_no_breakdown():
    mixed = [(1, {"out_of_time": 1})] * 9 + [(1, {"unphysical_cell": 1})] + [(1, {"out_of_time": 1})] * 9
    assert same_failure(mixed, first=10) == ""


def test_what_comes_after_the_first_does_not_matter():
    assert same_failure([(1, {"out_of_time": 1})] * 10 + [(1, {})], first=10) == "out_of_time"
