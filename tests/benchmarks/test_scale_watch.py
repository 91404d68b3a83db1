"""What a call has cost is its own, whatever else the event loop has done meanwhile."""

from __future__ import annotations

import asyncio
import time

import pytest

from benchmarks.scale_watch import Slices


class Clock:
    """Seconds that pass when work is done."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(time, "process_time", lambda: self.now)

    def work(self, seconds):
        self.now += seconds


@pytest.mark.parametrize("others", [0, 1, 9])
def test_seconds_of_others_that_went_on_during_a_call_are_not_its_own(monkeypatch, others):
    clock, found = Clock(monkeypatch), {}

    async def call(name, seconds):
        begun = slices.own()
        clock.work(seconds)
        await asyncio.sleep(0)  # the others go on
        clock.work(2 * seconds)
        found[name] = slices.own() - begun

    async def all_at_once():
        await asyncio.gather(*(call(name, 1.0 + name) for name in range(1 + others)))

    with Slices() as slices:
        asyncio.run(all_at_once())
    assert found == pytest.approx({name: 3 * (1.0 + name) for name in range(1 + others)})
