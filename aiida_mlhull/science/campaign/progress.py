"""How far a campaign is: counts by stage, how fast it goes, how long it may still take, and whether it stands still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np

CONFIDENCE: Final = 0.8
"""Of the interval around the time that is left."""

RECENT: Final = 100
"""So many of the newest results say how fast it goes now."""

PATIENCE: Final = 5.0
"""Nothing has moved for so many times the median duration of a job: that is worth an alarm."""

LEAST_PATIENCE: Final = 60.0
"""Seconds; jobs of a moment don't make every pause of the daemon's an alarm."""

Interval = tuple[float, float]
"""Begin and end, seconds since the epoch."""


@dataclass(frozen=True)
class Pace:
    """How fast results come, and how long the rest takes.

    Attributes:
        per_hour: relaxations that end in an hour, failed ones included.
        seconds_left: until all that were sent in have ended, at this rate.
        shortest: lower end of the interval around it.
        longest: upper end; if models send in all that they may.
    """

    per_hour: float
    seconds_left: float
    shortest: float
    longest: float


@dataclass(frozen=True)
class StageProgress:
    """One stage, counted in candidates.

    Attributes:
        name: of the stage.
        engine: that relaxes.
        sent: candidates sent into it so far; the sum of all counts below but ``at_most``.
        taken_over: of those, results of an earlier campaign.
        done: relaxed here.
        failed: ended without an energy here.
        running: being calculated.
        queued: handed to a scheduler, or on the way there.
        waiting: sent in, but their job has not been submitted yet.
        at_most: candidates that may go through it in all.
        failures: failed ones by the code of their reason.
        core_minutes: spent, on results that were taken over, too.
        pace: None before the first result.
    """

    name: str
    engine: str
    sent: int = 0
    taken_over: int = 0
    done: int = 0
    failed: int = 0
    running: int = 0
    queued: int = 0
    waiting: int = 0
    at_most: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    core_minutes: float = 0.0
    pace: Pace | None = None

    @property
    def ended(self) -> int:
        """Candidates that have left the stage, one way or the other."""
        return self.taken_over + self.done + self.failed


@dataclass(frozen=True)
class Failure:
    """A relaxation that gave no energy.

    Attributes:
        id: of the candidate.
        stage: that failed.
        reason: code and details.
        when: it was written down.
        pk: of the table that says so.
    """

    id: str
    stage: str
    reason: str
    when: datetime
    pk: int


@dataclass(frozen=True)
class ModelProgress:
    """Jobs that fit and ask models.

    Attributes:
        done: ended well.
        failed: ended otherwise.
        running: being calculated, or on the way there.
        core_minutes: spent so far.
    """

    done: int = 0
    failed: int = 0
    running: int = 0
    core_minutes: float = 0.0


@dataclass(frozen=True)
class CampaignProgress:
    """How far a campaign is at a moment.

    Attributes:
        pk: of its node.
        name: its label.
        state: AiiDA's process state, with the exit status if it has ended otherwise than well.
        told: ``pause`` or ``stop`` where a person, or the campaign itself, has said so; else empty.
        why: it was told so.
        begun: when it was created.
        seconds: since then, until now or its end.
        candidates: of the campaign.
        stages: in order.
        models: jobs of models.
        activity: what is under way, in words.
        stage: whose gate is at work, empty before the first gate.
        round: rounds done at that gate.
        relaxed: results of the last stage.
        budget: at most so many of them; None without a budget.
        stable: of those, on the hull of references and results; None before the first stock-taking.
        core_minutes: spent on stages and models.
        last_failures: the newest first.
        quiet_seconds: since anything has moved.
        median_seconds: of the jobs of the kind that is under way; None before the first has ended.
        alarm: why it is worth a look, or empty.
    """

    pk: int | None
    name: str
    state: str
    told: str
    why: str
    begun: datetime
    seconds: float
    candidates: int
    stages: tuple[StageProgress, ...]
    models: ModelProgress
    activity: str
    stage: str
    round: int | None
    relaxed: int
    budget: int | None
    stable: int | None
    core_minutes: float
    last_failures: tuple[Failure, ...]
    quiet_seconds: float
    median_seconds: float | None
    alarm: str


def pace(
    results: Sequence[tuple[float, int]], active: Sequence[Interval], *, now: float, left: int, left_at_most: int
) -> Pace | None:
    """How fast a stage goes, from its newest results.

    Tables of results are taken to come at random at a steady rate (a Poisson process). The time until m more of them
    have come, after n came in time T, is then T times a variable of the beta prime distribution with m and n: it
    knows that the rate is uncertain after a few results, and that the rest is as uneven as what came so far.

    Args:
        results: seconds since the epoch and number of candidates, one a table.
        active: when the stage was at work; they may overlap.
        now: seconds since the epoch.
        left: candidates that were sent in and have not ended.
        left_at_most: those that may still come in, too.

    Returns:
        None without a result.
    """
    newest = sorted((at, count) for at, count in results if count)
    since = -np.inf if len(newest) <= RECENT else newest[-RECENT - 1][0]
    newest = newest[-RECENT:]
    seconds = max(overlap(active, since=since, until=now), 1e-3)
    ended = sum(count for _, count in newest)
    if not ended:
        return None
    tables, each = len(newest), ended / len(newest)
    tail = (1 - CONFIDENCE) / 2

    def quantile(rows: int, probability: float) -> float:
        more = float(np.ceil(rows / each))
        if not more:
            return 0.0
        from scipy.special import betaincinv  # noqa: PLC0415  (half a second to import; scipy.stats takes seconds)

        share = float(betaincinv(more, tables, probability))
        return share / (1 - share) * seconds

    return Pace(
        per_hour=3600 * ended / seconds,
        seconds_left=left * seconds / ended,
        shortest=quantile(left, tail),
        longest=quantile(max(left, left_at_most), 1 - tail),
    )


def overlap(intervals: Sequence[Interval], *, since: float, until: float) -> float:
    """Seconds between two moments that lie in any of the intervals."""
    covered, end = 0.0, since
    for start, stop in sorted(intervals):
        first, last = max(start, end), min(stop, until)
        covered += max(last - first, 0.0)
        end = max(end, last)
    return covered


def without(intervals: Sequence[Interval], pauses: Sequence[Interval]) -> list[Interval]:
    """The intervals with the pauses cut out of them."""
    left = list(intervals)
    for begin, end in pauses:
        left = [
            part
            for start, stop in left
            for part in ((start, min(stop, begin)), (max(start, end), stop))
            if part[0] < part[1]
        ]
    return left


def standstill(quiet: float, durations: Sequence[float]) -> str:
    """Why it is worth a look, if nothing has moved for much longer than jobs take; else empty.

    Args:
        quiet: seconds since anything has moved.
        durations: seconds that jobs of the kind that is under way took so far.
    """
    if not len(durations):
        return ""
    median = float(np.median(durations))
    if quiet <= max(PATIENCE * median, LEAST_PATIENCE):
        return ""
    return f"nothing has moved for {quiet:.0f} s; half of the jobs before took less than {median:.0f} s"
