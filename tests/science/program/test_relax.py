"""Real relaxations with CHGNet: the same rows in whichever process, and none done twice."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from aiida_mlhull.science.types import Labels
from tests.arsenides import every_sixth, smallest
from tests.science.program.conftest import relax_folder
from tests.science.program.jobs import Ended, Prepared

pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")


def labels_of(ended: Ended) -> Labels:
    return ended.folder.read_table(Labels, "labels.parquet")


def assert_same_results(some: Labels, others: Labels) -> None:
    """To the last bit, all but the cost."""
    assert some.ids.tolist() == others.ids.tolist()
    for column in ("energies", "failures"):
        np.testing.assert_array_equal(getattr(some, column), getattr(others, column))
    for column in ("lattices", "numbers", "frac_coords"):
        np.testing.assert_array_equal(getattr(some.crystals, column), getattr(others.crystals, column))


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Six crystals, one process, no interruption."""
    ended = relax_folder(tmp_path_factory.mktemp("straight") / "relax").run_here()
    assert ended.status == 0
    return ended


def test_a_row_for_every_chosen_crystal(straight):
    labels, cells = labels_of(straight), every_sixth().candidates
    assert labels.ids.tolist() == cells.ids[smallest(cells, 6)].tolist()
    assert straight.done["rows"] == {"labels.parquet": 6}
    assert (straight.done["n_failed"], straight.done["n_done_before"]) == (0, 0)
    assert "chgnet" in straight.done["versions"]
    assert labels.stage == "potential"
    assert labels.engine.startswith("chgnet")
    assert "MP2020" in labels.scheme
    assert (labels.core_minutes > 0).all()
    # A potential for these elements is not far from the published results, corrections included.
    published = every_sixth().record.select(labels.ids)
    assert np.abs(labels.energies - published.energies).max() < 1.0


@pytest.mark.slow
def test_processes_do_not_change_a_bit(relax_job, straight):
    ended = relax_job(processes=2).run()
    assert ended.status == 0, ended.err
    assert_same_results(labels_of(ended), labels_of(straight))


def cut_off(straight: Ended, job: Prepared, *, rows: int) -> None:
    """Leave in the folder what a run leaves that was killed while it wrote row number ``rows``."""
    header, *lines = straight.folder.read_bytes("finished.jsonl").decode().splitlines(keepends=True)
    left = [header, *lines[:rows], lines[rows][:40]]
    (job.folder.path / "finished.jsonl").write_text("".join(left))


def test_restart_goes_on_after_the_finished_rows(relax_job, straight):
    job = relax_job()
    cut_off(straight, job, rows=3)
    ended = job.run_here()
    assert ended.done["n_done_before"] == 3
    assert_same_results(labels_of(ended), labels_of(straight))


def test_restart_in_another_folder(relax_job, straight):
    job = relax_job()
    (job.folder.path / "earlier").symlink_to(straight.folder.path)
    ended = job.run_here()
    assert ended.done["n_done_before"] == 6
    assert_same_results(labels_of(ended), labels_of(straight))
    np.testing.assert_array_equal(labels_of(ended).core_minutes, labels_of(straight).core_minutes)


def test_earlier_folder_without_any_row(relax_job, tmp_path):
    job = relax_job(rows=smallest(every_sixth().candidates, 1))
    (tmp_path / "empty").mkdir()
    (job.folder.path / "earlier").symlink_to(tmp_path / "empty")
    assert job.run_here().done["n_done_before"] == 0


def test_rows_of_other_settings_are_not_taken_over(relax_job, straight):
    other = {"relaxation": {"freedom": "static"}}
    job = relax_job(rows=smallest(every_sixth().candidates, 6), how=other)
    cut_off(straight, job, rows=3)
    ended = job.run_here()
    assert ended.done["n_done_before"] == 0
    assert not np.array_equal(labels_of(ended).energies, labels_of(straight).energies)


def test_start_volume_as_given(relax_job):
    """Without steps, the cell is the one that came in; with a predicted volume it is not."""
    rows = smallest(every_sixth().candidates, 1)
    how = {"relaxation": {"freedom": "static"}}
    given = labels_of(relax_job("given", rows=rows, how=how | {"volume": "as_given"}).run_here())
    predicted = labels_of(relax_job("predicted", rows=rows, how=how | {"volume": "predicted"}).run_here())
    before = every_sixth().candidates.take(rows).crystals
    np.testing.assert_allclose(given.crystals.volumes, before.volumes, rtol=1e-9)
    assert abs(predicted.crystals.volumes[0] / before.volumes[0] - 1) > 0.01


def wait_for_rows(path: Path, process: subprocess.Popen[str], *, rows: int) -> None:
    """Wait until so many rows are on disk."""
    until = time.monotonic() + 240
    while time.monotonic() < until and process.poll() is None:
        if path.exists() and path.read_text().count("\n") > rows:
            return
        time.sleep(0.05)
    pytest.fail(f"no {rows} rows: {process.communicate()}")


def children_of(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_stopped_job_says_so_and_keeps_its_rows(relax_job, processes):
    """Enough crystals for minutes, stopped after the first ones."""
    rows = list(range(len(every_sixth().candidates)))
    tight = {"relaxation": {"freedom": "full", "max_force": 1e-6, "max_steps": 400}}
    job = relax_job(rows=rows, how=tight, processes=processes)
    finished = job.folder.path / "finished.jsonl"
    with subprocess.Popen(job.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for_rows(finished, process, rows=1)
        children = children_of(process.pid)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    ended = Ended(job.folder, process.returncode, err=err)
    assert ended.status == 1
    assert (ended.refused["label"], ended.refused["status"]) == ("ERROR_STOPPED", 410)
    assert "SIGTERM" in ended.refused["message"]
    assert "Traceback" not in err
    assert not (job.folder.path / "done.json").exists()
    assert 1 <= finished.read_text().count("\n") - 1 < len(rows)
    assert len(children) >= processes if processes > 1 else not children
    _, left_behind = psutil.wait_procs(children, timeout=20)
    assert not [child for child in left_behind if child.status() != psutil.STATUS_ZOMBIE]
