"""Lines that a waiting person can read: when, what, how far, until when."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

SECONDS_BETWEEN_LINES: Final = 10.0


def say(line: str) -> None:
    """Print one line of progress with the time, at once and whole."""
    # One write a line: processes of one job share the stream.
    sys.stdout.write(f"{datetime.now().astimezone():%Y-%m-%dT%H:%M:%S%z} {line}\n")
    sys.stdout.flush()


class Countdown:
    """Says now and then how many rows are done and when the rest will be.

    Args:
        total: rows altogether.
        done: rows that were there from the start; they don't count for the speed.
        what: what is done to them.
        clock: seconds, for tests.
    """

    def __init__(self, total: int, *, done: int = 0, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.done, self.what, self.clock = total, done, what, clock
        self._before = done
        self._started = self._said = clock()

    def step(self) -> None:
        """One more row is done."""
        self.done += 1
        now = self.clock()
        if self.done == self.total or now - self._said >= SECONDS_BETWEEN_LINES:
            self._said = now
            say(self.line(now - self._started))

    def line(self, elapsed: float) -> str:
        """Progress after ``elapsed`` seconds."""
        speed = (self.done - self._before) / max(elapsed, 1e-9)
        text = f"{self.what} {self.done} of {self.total}, {speed:.2f} a second"
        if self.done == self.total or not speed:
            return text
        rest = timedelta(seconds=round((self.total - self.done) / speed))
        return f"{text}, {rest} to go, until {datetime.now().astimezone() + rest:%Y-%m-%d %H:%M:%S}"
