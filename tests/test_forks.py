"""Jobs in forks behave as the installed program does: what they say, their status, and the signals that end them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.forks import PROGRAM, quick_program


@pytest.mark.parametrize("words", [["--version"], ["relax", "nowhere"], ["fit"]])
def test_words_and_status_are_those_of_the_program(words):
    installed, quick = (
        subprocess.run([program, *words], capture_output=True, text=True, check=False)
        for program in (PROGRAM, quick_program())
    )
    assert (quick.returncode, quick.stdout, quick.stderr) == (installed.returncode, installed.stdout, installed.stderr)
    assert installed.stdout or installed.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 1), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_job_that_is_ended_leaves_nobody_behind(number, status, tmp_path):
    os.mkfifo(tmp_path / "job.json")  # where the job waits for its words
    program = quick_program()
    asking = subprocess.Popen([program, "fit", "."], cwd=tmp_path, stderr=subprocess.DEVNULL)
    with (tmp_path / "job.json").open("w"):  # opens once it is read
        (fork,) = [one for one in working_in(tmp_path) if one.pid != asking.pid]
        asking.send_signal(number)
        assert asking.wait(60) == status
    waited(lambda: not fork.is_running())
    assert (tmp_path / "refused.json").exists() == (number == signal.SIGTERM)


def working_in(folder: Path) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cwd"]) if one.info["cwd"] == str(folder)]


def waited(what, patience=60.0):
    """What a function finds, once it finds something."""
    until = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found
