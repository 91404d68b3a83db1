"""Every job that can't be done says why, by name, and leaves no result that looks like one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aiida_mlhull.science.program.settings import FitJob
from aiida_mlhull.science.types import Crystals
from tests.arsenides import choice, every_sixth


def assert_refused(ended, label: str, status: int, *words: str) -> None:
    assert ended.status == 1
    assert not (ended.folder.path / "done.json").exists()
    refused = ended.refused
    assert (refused["label"], refused["status"]) == (label, status), refused["message"]
    assert all(word in refused["message"] for word in words), refused["message"]


def test_refusal_is_said_on_the_terminal_too(fit_job):
    job = fit_job(device="cuda:7")
    ended = job.run()
    assert_refused(ended, "ERROR_NO_SUCH_DEVICE", 208, "cuda:7")
    assert "ERROR_NO_SUCH_DEVICE" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("settings", "label", "status", "words"),
    [
        ({"device": "toaster"}, "ERROR_NO_SUCH_DEVICE", 208, ["toaster"]),
        ({"ensemble": {"model": "oracle"}}, "ERROR_INVALID_SETTINGS", 202, ["unknown model 'oracle'", "trees_gp"]),
        ({"ensemble": {"wings": 2}}, "ERROR_INVALID_SETTINGS", 202, ["ensemble.wings"]),
        ({"members": [0, 5]}, "ERROR_INVALID_SETTINGS", 202, ["[5] are not among 0 to 2"]),
        ({"members": [1, 1]}, "ERROR_INVALID_SETTINGS", 202, ["twice"]),
        ({"members": []}, "ERROR_INVALID_SETTINGS", 202, ["members"]),
        ({"seed": -1}, "ERROR_INVALID_SETTINGS", 202, ["seed"]),
        ({"speed": "high"}, "ERROR_INVALID_SETTINGS", 202, ["speed: unknown key"]),
        ({"baseline": "stage"}, "ERROR_INVALID_INPUT", 200, ["come from no stage"]),
        ({"cells": {"nothing.parquet": "Candidates"}}, "ERROR_UNREADABLE_FILE", 301, ["nothing.parquet is missing"]),
        ({"cells": {"cells_a.parquet": "Labels"}}, "ERROR_UNREADABLE_FILE", 301, ["Candidates, expected Labels"]),
        ({"labels": ["cells_a.parquet"]}, "ERROR_UNREADABLE_FILE", 301, ["holds Candidates"]),
        (
            {"cells": {"cells_a.parquet": "Candidates", "labels_a.parquet": "Labels"}},
            "ERROR_INVALID_TABLE",
            204,
            ["not some of each"],
        ),
    ],
)
def test_settings_and_files_of_a_fit(fit_job, settings, label, status, words):
    assert_refused(fit_job(**settings).run_here(), label, status, *words)


def test_too_few_labels(fit_job):
    few = every_sixth().record.take(np.arange(9))
    assert_refused(fit_job(record=few).run_here(), "ERROR_TOO_FEW_LABELS", 207, "9 labels", "at least")


def test_missing_end_member(fit_job):
    job = fit_job()
    references = every_sixth().references
    job.folder.write_table("references.parquet", references.take(references.formulas != "Cd"))
    assert_refused(job.run_here(), "ERROR_MISSING_END_MEMBERS", 205, "Cd")


def test_truncated_table(fit_job):
    job = fit_job()
    whole = job.folder.read_bytes("labels_a.parquet")
    job.folder.write_bytes("labels_a.parquet", whole[: len(whole) // 2])
    assert_refused(job.run_here(), "ERROR_UNREADABLE_FILE", 301, "labels_a.parquet", "truncated")


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"version": 99, "task": "fit", "settings": {}}'])
def test_broken_job_file(fit_job, content):
    job = fit_job()
    (job.folder.path / "job.json").write_text(content)
    assert_refused(job.run_here(), "ERROR_UNREADABLE_FILE", 301, "job.json")


def test_job_of_another_task(fit_job):
    job = replace(fit_job(), task="relax")
    assert_refused(job.run_here(), "ERROR_UNREADABLE_FILE", 301, "written for 'mlhull-job fit', not 'relax'")


def test_truncated_weights(predict_job):
    job = predict_job()
    whole = job.folder.read_bytes("member_001.safetensors")
    job.folder.write_bytes("member_001.safetensors", whole[:-100])
    assert_refused(job.run_here(), "ERROR_WRONG_WEIGHTS", 302, "member_001.safetensors")


def test_missing_weights(predict_job):
    job = predict_job()
    (job.folder.path / "member_000.safetensors").unlink()
    assert_refused(job.run_here(), "ERROR_WRONG_WEIGHTS", 302, "member_000.safetensors")


def test_weights_of_another_model(predict_job):
    job = predict_job()
    described = json.loads(job.folder.read_bytes("ensemble.json")) | {"model": "cgcnn", "settings": {}}
    job.folder.write_bytes("ensemble.json", json.dumps(described).encode())
    assert_refused(job.run_here(), "ERROR_WRONG_WEIGHTS", 302)


def test_pool_that_keeps_nothing(predict_job):
    assert_refused(
        predict_job(pool=choice(every_sixth().candidates, [])).run_here(),
        "ERROR_INVALID_TABLE",
        204,
        "no row that is kept",
    )


def test_pool_of_other_candidates(predict_job):
    pool = choice(every_sixth().candidates, [0, 1])
    strange = replace(pool, ids=np.char.add(pool.ids, "_elsewhere"))
    assert_refused(predict_job(pool=strange).run_here(), "ERROR_INVALID_TABLE", 204, "unknown ids", "_elsewhere")


def test_candidates_without_cells(predict_job):
    job = predict_job()
    job.folder.write_table("cells.parquet", replace(every_sixth().candidates, crystals=None))
    assert_refused(job.run_here(), "ERROR_INVALID_CRYSTAL", 203, "without cells")


def test_unknown_potential(relax_job):
    ended = relax_job(how={"potential": "crystal_ball"}).run_here()
    assert_refused(ended, "ERROR_INVALID_SETTINGS", 202, "unknown potential 'crystal_ball'", "chgnet")


def test_time_is_over(fit_job):
    """A job that sees its end coming says so while it still can."""
    ended = fit_job(stop_after=0.02).run_here()
    assert_refused(ended, "ERROR_STOPPED", 410, "before its time was over")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_disk_is_full(predict_job):
    """A full disk is said, leaves no half of a file behind, and is not tried again at once."""
    job = predict_job()
    (job.folder.path / "predictions.parquet.part").symlink_to("/dev/full")
    assert_refused(job.run_here(), "ERROR_DISK_FULL", 313, "No space left on device", "make room")
    assert not list(job.folder.path.glob("*.part"))
    assert not (job.folder.path / "reserve").exists()
    assert not (job.folder.path / "predictions.parquet").exists()


def test_refusal_does_not_outlive_a_better_try(fit_job):
    job = fit_job(device="toaster")
    assert job.run_here().status == 1
    assert job.rewrite(device="cpu").run_here().status == 0
    assert not (job.folder.path / "refused.json").exists()


def test_marker_does_not_outlive_a_worse_try(fit_job):
    job = fit_job()
    assert job.run_here().status == 0
    assert_refused(job.rewrite(device="toaster").run_here(), "ERROR_NO_SUCH_DEVICE", 208)


def test_settings_are_what_the_job_file_holds():
    """What the AiiDA side writes is what the program reads."""
    job = FitJob(cells={"a": "Candidates"}, labels=["b"], members=[2, 0], seed=1)
    assert FitJob.model_validate(json.loads(job.model_dump_json())) == job
    assert job.members == [0, 2]


def test_crystals_are_checked_when_they_are_read(predict_job):
    """A table that another program has written goes through the same gate."""
    cells = every_sixth().candidates
    crystals = cells.crystals
    broken = Crystals(crystals.lattices.copy(), crystals.offsets, crystals.numbers, crystals.frac_coords)
    candidates = replace(cells, crystals=broken)
    broken.lattices[4] = np.nan  # after the check of the table that is written
    job = predict_job()
    job.folder.write_table("cells.parquet", candidates)
    assert_refused(job.run_here(), "ERROR_INVALID_CRYSTAL", 203, "NaN", cells.ids[4])
