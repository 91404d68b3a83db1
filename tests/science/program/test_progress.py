"""What a waiting person reads."""

from __future__ import annotations

import re

from aiida_mlhull.science.program.progress import Countdown, say


def test_a_line_has_its_time(capsys):
    say("member 0: done")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} member 0: done\n", capsys.readouterr().out)


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_speed_counts_only_the_rows_of_this_run():
    countdown = Countdown(100, done=50, what="relaxed", clock=Clock())
    countdown.done = 60
    assert countdown.line(20.0).startswith("relaxed 60 of 100, 0.50 a second, 0:01:20 to go, until ")


def test_the_end_has_no_time_to_go():
    countdown = Countdown(10, what="relaxed", clock=Clock())
    countdown.done = 10
    assert countdown.line(2.0) == "relaxed 10 of 10, 5.00 a second"


def test_not_a_line_for_every_row(capsys):
    clock = Clock()
    countdown = Countdown(1000, what="relaxed", clock=clock)
    for _ in range(1000):
        clock.now += 0.1
        countdown.step()
    lines = capsys.readouterr().out.splitlines()
    assert 9 <= len(lines) <= 11
    assert "relaxed 1000 of 1000" in lines[-1]
