"""How far the stages are, for people and for programs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from aiida_mlhull.graph.watching.stages import as_json, bar, describe
from aiida_mlhull.science.campaign.progress import CampaignProgress, Failure, ModelProgress, Pace, StageProgress

PACE = Pace(per_hour=60.0, seconds_left=1140.0, shortest=900.0, longest=4320.0)
COARSE = StageProgress("coarse", "potential", sent=20, done=18, failed=2, at_most=20, core_minutes=2.0, pace=PACE)
FINAL = StageProgress(
    "final", "vasp", sent=40, taken_over=3, done=7, failed=2, running=4, queued=5, waiting=19, at_most=80,
    failures={"out_of_time": 2}, core_minutes=600.0, pace=PACE,
)  # fmt: skip


@pytest.fixture
def progress():
    begun = datetime(2026, 11, 1, 12, 0, tzinfo=timezone.utc)
    return CampaignProgress(
        pk=7, name="arsenides", state="waiting", told="", why="", begun=begun, seconds=3725.0, candidates=100,
        stages=(COARSE, FINAL), models=ModelProgress(done=3, running=1), activity="VASP", stage="final", round=1,
        relaxed=10, budget=40, stable=2, core_minutes=602.0,
        last_failures=(Failure("x", "final", "out_of_time", datetime.now(tz=timezone.utc) - timedelta(hours=3), 99),),
        quiet_seconds=5.0, median_seconds=60.0, alarm="",
    )  # fmt: skip


def row_of(stage: str, progress: CampaignProgress) -> list[str]:
    return next(line for line in describe(progress).splitlines() if line.split()[:1] == [stage]).split()


def test_every_count_stands_in_its_column(progress):
    expected = "final vasp 40 10 2 4 5 19 80 60 600 19 min (15 min to 72 min)"  # done: those taken over, too
    assert " ".join(row_of("final", progress)) == expected


def test_a_stage_that_is_through_has_no_time_left_and_a_new_one_has_no_rate(progress):
    assert row_of("coarse", progress)[-1] == "-"
    assert row_of("coarse", progress)[-3] == "60"
    new = replace(progress, stages=(replace(FINAL, pace=None),))
    assert row_of("final", new)[-1] == "-"
    assert row_of("final", new)[-3] == "-"
    assert "left" not in bar(new)


def test_the_bar_is_of_the_stage_at_work(progress):
    line = bar(progress)
    assert "1:02:05" in line
    assert "final [#######.................] 12 of 40, 2 failed, 4 running, 19 min (15 min to 72 min) left" in line
    through = replace(progress, stages=(COARSE,))
    assert bar(through).endswith("VASP")


def test_what_is_spent_what_failed_and_what_to_do(progress):
    text = describe(progress)
    assert "10 of 40 (25%)" in text
    assert "3 jobs done, 1 under way" in text
    assert "3.0 h ago" in text
    assert "ALARM" not in text
    paused = describe(replace(progress, told="pause", why="all failed alike", alarm="nothing moves"))
    assert "Told to pause: all failed alike" in paused
    assert "aiida-mlhull resume 7" in paused
    assert "ALARM: nothing moves" in paused
    assert "resume" not in describe(replace(progress, told="stop"))


def test_programs_get_the_same_figures(progress):
    plain = as_json(progress)
    assert plain["begun"] == "2026-11-01T12:00:00+00:00"
    assert plain["stages"][1]["pace"] == {
        "per_hour": 60.0,
        "seconds_left": 1140.0,
        "shortest": 900.0,
        "longest": 4320.0,
    }
    assert plain["last_failures"][0]["id"] == "x"
