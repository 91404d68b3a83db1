"""A disk that fills up while a job writes to it, and a folder that is gone: said, and done the next time."""

from __future__ import annotations

import shutil

import pytest

from tests.disks import full, small_disk
from tests.science.program.conftest import fit_folder
from tests.science.program.test_refusals import assert_refused


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk", mib=2) as mounted:
        yield mounted


def test_a_full_disk_is_said_and_the_job_is_done_when_there_is_room(disk, monkeypatch):
    """The disk is full as soon as the program has put aside what it needs to say so."""
    job = fit_folder(disk / "fit", ensemble={"model": "mean", "members": 1})
    from aiida_mlhull.science.program import fit

    fitting = fit.fit_member
    filled = []

    def fit_and_fill(*given, **named):
        filled.append(full(disk))
        filled[-1].__enter__()
        return fitting(*given, **named)

    monkeypatch.setattr(fit, "fit_member", fit_and_fill)
    assert_refused(job.run_here(), "ERROR_DISK_FULL", 313, "No space left on device", "make room")
    assert not list(job.folder.path.glob("*.part"))
    filled[-1].__exit__(None, None, None)
    monkeypatch.undo()
    assert job.run_here().status == 0
    assert not (job.folder.path / "refused.json").exists()


def test_a_folder_that_is_gone_is_said_on_the_standard_error(predict_job):
    job = predict_job()
    shutil.rmtree(job.folder.path)
    ended = job.run()
    assert ended.status == 1
    assert f"{job.folder.path} is not a folder" in ended.err
