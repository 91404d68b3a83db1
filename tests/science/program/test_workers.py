"""Processes that give, refuse, die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from aiida_mlhull.science.errors import FitError, OutOfMemoryError, StoppedError
from aiida_mlhull.science.program.workers import available_cores, dealt, stream


def squares(numbers: list[int]) -> Iterator[tuple[int, int]]:
    for number in numbers:
        yield number, number**2


def refuse(numbers: list[int]) -> Iterator[int]:
    yield 1
    raise FitError(f"diverged on {numbers}")


def end_by(signals: list[int]) -> Iterator[int]:
    yield 1
    os.kill(os.getpid(), signals[0])


def want_too_much(numbers: list[int]) -> Iterator[int]:
    yield len(bytearray(2**60))


def stumble(numbers: list[int]) -> Iterator[int]:
    yield 1 // numbers[0]


@pytest.mark.parametrize(
    ("hands", "expected"), [(1, [[1, 2, 3, 4, 5]]), (2, [[1, 3, 5], [2, 4]]), (9, [[1], [2], [3], [4], [5]])]
)
def test_dealing(hands, expected):
    assert dealt([1, 2, 3, 4, 5], hands) == expected


def test_all_results_of_all_processes():
    assert sorted(stream(squares, [[3, 1], [2], [5]])) == [(1, 1), (2, 4), (3, 9), (5, 25)]


def test_one_share_stays_here():
    assert list(stream(lambda share: iter([share, os.getpid()]), ["unpicklable is fine"])) == [
        "unpicklable is fine",
        os.getpid(),
    ]


def test_refusal_arrives_as_it_is():
    with pytest.raises(FitError, match=r"diverged on \[2\]"):
        list(stream(refuse, [[2], [2]]))


def test_killed_process_is_most_often_one_without_memory():
    with pytest.raises(OutOfMemoryError, match="fewer processes"):
        list(stream(end_by, [[signal.SIGKILL], [signal.SIGKILL]]))


def test_stopped_process():
    with pytest.raises(StoppedError, match="signal 15"):
        list(stream(end_by, [[signal.SIGTERM], [signal.SIGTERM]]))


def test_memory_that_runs_out_in_a_process():
    with pytest.raises(OutOfMemoryError):
        list(stream(want_too_much, [[1], [1]]))


def test_bug_in_a_process_is_a_bug_here(capfd):
    with pytest.raises(RuntimeError, match="ended with status 1"):
        list(stream(stumble, [[0], [0]]))
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_leaving_early_ends_the_processes():
    results = stream(squares, [[1], [2]])
    next(results)
    results.close()
    from multiprocessing import active_children

    assert not active_children()


def test_cores_are_those_that_may_be_used():
    assert available_cores() == len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
