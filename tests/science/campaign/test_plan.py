"""The plan before a campaign, worked by hand."""

from __future__ import annotations

import pytest

from aiida_mlhull.science.campaign import campaign_settings
from aiida_mlhull.science.campaign.plan import Existing, jobs_at_most, nominal_core_minutes, plan, rounds_left
from aiida_mlhull.science.ensembles import needed_labels

TOTAL = 1000


def test_rounds_of_batches_bound_a_gate():
    settings = campaign_settings(
        {
            "start": 50,
            "stages": [
                {"name": "cheap", "engine": "potential"},
                {"name": "final", "engine": "recorded", "core_minutes": 10, "gate": {"rounds": 4, "batch": 0.1}},
            ],
        }
    )
    cheap, final = plan(settings, total=TOTAL)
    assert (cheap.at_least, cheap.at_most, cheap.gate, cheap.rounds) == (TOTAL, TOTAL, "", 0)
    assert (final.at_least, final.at_most, final.gate, final.rounds) == (50, 450, "two_sigma", 4)
    assert nominal_core_minutes((cheap, final), total=TOTAL) == (500.0, 4500.0, 10_000.0)


def test_budget_counts_the_start_set():
    stage = {"name": "final", "engine": "recorded", "gate": {"rounds": 40, "batch": 0.1}}
    (final,) = plan(campaign_settings({"start": 50, "budget": 0.3, "stages": [stage]}), total=TOTAL)
    assert (final.at_least, final.at_most) == (50, 300)


def test_results_that_are_there_are_not_done_again():
    gated = {"name": "final", "engine": "recorded", "gate": {"rounds": 40, "batch": 0.1}}
    settings = campaign_settings({"start": 50, "budget": 0.3, "stages": [{"name": "a", "engine": "potential"}, gated]})
    few, enough = Existing(done=7, learnable=2), Existing(done=120, learnable=100)
    needed = needed_labels(settings.ensemble)
    first, final = plan(settings, total=TOTAL, there={"final": few, "a": Existing(done=30, learnable=30)})
    assert (first.at_least, first.at_most) == (TOTAL - 30, TOTAL - 30)
    assert (final.at_least, final.at_most) == (needed - 2, 300 - 7)
    _, final = plan(settings, total=TOTAL, there={"final": enough})
    assert (final.at_least, final.at_most) == (0, 300 - 120)


def test_jobs_of_several_ensembles_add_up():
    gate = {"rule": "committee", "rounds": 3}
    ensembles = {"wren": {"model": "wren", "members": 5}, "trees": {"members": 2}}
    stages = [{"name": "final", "engine": "recorded", "gate": gate}]
    settings = campaign_settings({"start": 50, "stages": stages, "ensembles": ensembles})
    most = jobs_at_most(plan(settings, total=TOTAL), settings, shards=4, members_per_job=2, rows_per_job=100)
    assert most == 3 * (3 + 1 + 2 * 4)


def test_without_a_gate_everybody_goes_through():
    stages = plan(
        campaign_settings({"stages": [{"name": "a", "engine": "potential"}, {"name": "b", "engine": "recorded"}]}),
        total=TOTAL,
    )
    assert [(stage.at_least, stage.at_most) for stage in stages] == [(TOTAL, TOTAL)] * 2


def test_three_gated_stages_as_published():
    volume, prerelax, final = plan(campaign_settings({}, protocol="ekstrom-2022"), total=TOTAL)
    assert (volume.at_least, volume.at_most) == (TOTAL, TOTAL)
    assert (prerelax.at_least, prerelax.at_most) == (60, TOTAL)
    assert (final.at_least, final.at_most) == (60, TOTAL)


def test_jobs_are_counted_by_round():
    settings = campaign_settings(
        {
            "start": 50,
            "ensemble": {"members": 5},
            "stages": [
                {"name": "cheap", "engine": "potential"},
                {"name": "final", "engine": "recorded", "gate": {"rounds": 4, "batch": 0.1}},
            ],
        }
    )
    stages = plan(settings, total=TOTAL)
    # 4 rounds x (3 fits of two members at most + 2 predictions) + 1000 crystals, 300 a job
    assert jobs_at_most(stages, settings, shards=2, members_per_job=2, rows_per_job=300) == 4 * 5 + 4


def test_a_gated_potential_may_leave_a_job_per_round_that_is_not_full():
    settings = campaign_settings(
        {
            "start": 50,
            "ensemble": {"members": 5},
            "stages": [
                {"name": "cheap", "engine": "recorded"},
                {"name": "final", "engine": "potential", "gate": {"rounds": 4, "batch": 0.1}},
            ],
        }
    )
    stages = plan(settings, total=TOTAL)
    # 4 rounds x (3 fits + 2 predictions), 450 crystals, 300 per job, and a job per round that is not full
    assert jobs_at_most(stages, settings, shards=2, members_per_job=2, rows_per_job=300) == 4 * 5 + 2 + 4


@pytest.mark.parametrize(
    ("budget", "batch", "number", "relaxed", "waiting", "expected"),
    [
        (None, None, 1, 60, 900, 9),  # all that the rule keeps go in: only the number of rounds bounds them
        (None, 0.1, 1, 60, 900, 9),
        (None, 0.1, 1, 60, 250, 3),  # two full batches and one of 50
        (None, 0.1, 8, 60, 900, 2),
        (0.4, 0.1, 1, 150, 800, 3),  # 250 relaxations are left
        (0.4, 0.1, 1, 400, 600, 0),
        (0.4, 0.1, 1, 405, 595, 0),  # failures may spend a little more
        (None, 0.1, 1, 60, 0, 0),
    ],
)
def test_rounds_left_by_hand(budget, batch, number, relaxed, waiting, expected):
    gate = {"rounds": 10, "batch": batch}
    settings = campaign_settings(
        {"budget": budget, "start": 50, "stages": [{"name": "final", "engine": "recorded", "gate": gate}]}
    )
    left = rounds_left(settings, stage="final", number=number, relaxed=relaxed, waiting=waiting, total=TOTAL)
    assert left == expected


def test_a_stage_without_a_gate_has_no_rounds():
    settings = campaign_settings({"stages": [{"name": "final", "engine": "recorded"}]})
    assert rounds_left(settings, stage="final", number=0, relaxed=0, waiting=TOTAL, total=TOTAL) == 0
