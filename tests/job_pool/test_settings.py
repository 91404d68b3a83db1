"""What is said of jobs that did not end well."""

from __future__ import annotations

import pytest

from aiida_mlhull.job_pool.settings import JobSettings, how_it_ended, portions_of, why_failed


@pytest.mark.parametrize(
    ("state", "status", "message", "exception", "told"),
    [
        ("finished", 303, "the program has not said that it is done", None, "[303] the program has not said"),
        ("killed", None, None, None, "killed"),
        ("excepted", None, None, "OSError: no route to host", "OSError: no route to host"),
        (None, None, None, None, "unknown"),
    ],
)
@pytest.mark.usefixtures("aiida_profile")
def test_every_end_has_words(state, status, message, exception, told):
    from aiida.orm import CalcJobNode

    node = CalcJobNode()
    node.set_process_label("RelaxCalculation")
    if state is not None:
        node.set_process_state(state)
    if status is not None:
        node.set_exit_status(status)
    if message is not None:
        node.set_exit_message(message)
    if exception is not None:
        node.set_exception(exception)
    assert how_it_ended(node).startswith(told)
    assert "None" not in how_it_ended(node)
    assert why_failed(node) == f"RelaxCalculation<None> {how_it_ended(node)}"


def test_portions_keep_order_and_lose_nobody():
    assert portions_of(range(5), 2) == [[0, 1], [2, 3], [4]]
    assert portions_of([], 3) == []


def test_what_the_scheduler_is_told_wins_over_sizes_and_limits():
    asked = JobSettings(processes=4, max_wallclock_seconds=600, options={"queue_name": "gpu"})
    told = asked.scheduler_options()
    assert told["max_wallclock_seconds"] == 600
    assert told["resources"]["num_cores_per_mpiproc"] == 4
    assert told["queue_name"] == "gpu"
    longer = asked.model_copy(update={"options": {"max_wallclock_seconds": 900}})
    assert longer.scheduler_options()["max_wallclock_seconds"] == 900
