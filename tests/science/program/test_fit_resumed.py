"""A fit that is killed goes on after the last whole epoch, and gives the bits of one that was not."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from aiida_mlhull.science.program.fits import FitsUnderWay
from aiida_mlhull.science.wire import decode_member
from tests.science.program.conftest import fit_folder
from tests.science.program.jobs import Ended, Prepared

NETWORK = {"atom_width": 12, "layers": 1, "hidden_width": 12, "max_epochs": 80, "patience": 80, "batch_size": 32}
SETTINGS = {
    "ensemble": {"model": "cgcnn", "model_settings": NETWORK, "members": 2, "loss": "robust_l2"},
    "members": [0, 1],
}
RESULTS = ("ensemble.json", "member_000.safetensors", "member_001.safetensors")


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Two members, no interruption; in a process of its own, as the ensemble names the libraries of its process."""
    ended = fit_folder(tmp_path_factory.mktemp("straight") / "fit", **SETTINGS).run()
    assert ended.status == 0
    return ended


def wait_for(file: Path, process: subprocess.Popen[str], *, epochs: int) -> None:
    """Until so many epochs lie in a checkpoint."""
    while process.poll() is None:
        if file.exists() and len(decode_member(file.read_bytes()).meta["history"]) >= epochs:
            return
        time.sleep(0.005)
    pytest.fail("the job ended before it could be killed")


def killed(job: Prepared, *, member: int, epochs: int) -> None:
    """Run the job, and kill it hard when ``member`` has come so far."""
    with subprocess.Popen(job.command, stdout=subprocess.PIPE, text=True) as process:
        wait_for(job.folder.path / f"checkpoint_{member:03d}.safetensors", process, epochs=epochs)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (job.folder.path / "done.json").exists()


def assert_same_bits(some: Ended, others: Ended) -> None:
    for name in RESULTS:
        assert some.folder.read_bytes(name) == others.folder.read_bytes(name), name


@pytest.mark.slow
def test_killed_twice_and_tried_in_other_folders(fit_job, straight):
    """The first try is killed in its second member, the second one later in the same member."""
    first, second, third = (fit_job(name, **SETTINGS) for name in ("first", "second", "third"))
    killed(first, member=1, epochs=4)
    (second.folder.path / "earlier").symlink_to(first.folder.path)
    killed(second, member=1, epochs=20)
    (third.folder.path / "earlier").symlink_to(second.folder.path)
    ended = third.run()
    assert ended.status == 0, ended.err
    assert "member 0: was done by an earlier try" in ended.out
    epochs = int(ended.out.split("member 1: goes on after epoch ")[1].split("\n")[0])
    assert 20 <= epochs < 80
    assert_same_bits(ended, straight)
    assert ended.done["members"]["0"]["seconds"] > 0
    assert not list(third.folder.path.glob("checkpoint_*"))
    assert not list(third.folder.path.glob("fitted_*"))


def test_a_try_with_other_settings_is_not_taken_over(fit_job, straight):
    earlier = fit_job("earlier_try", **SETTINGS | {"seed": 8})
    killed(earlier, member=0, epochs=3)
    job = fit_job("later", **SETTINGS)
    (job.folder.path / "earlier").symlink_to(earlier.folder.path)
    ended = job.run()
    assert "belongs to another job and is not used" in ended.out
    assert_same_bits(ended, straight)


def test_a_broken_checkpoint_is_not_used(tmp_path, straight, capsys):
    member = decode_member(straight.folder.read_bytes("member_000.safetensors"))
    fits = FitsUnderWay(tmp_path, "a")
    fits.write("checkpoint", 0, member)
    assert fits.checkpoints(0).fits.read("checkpoint", 0).meta == member.meta
    whole = (tmp_path / "checkpoint_000.safetensors").read_bytes()
    (tmp_path / "checkpoint_000.safetensors").write_bytes(whole[:-10])
    assert fits.read("checkpoint", 0) is None
    assert "checkpoint_000.safetensors is not a readable weights file" in capsys.readouterr().out
    assert FitsUnderWay(tmp_path, "b").finished(0) is None


def test_a_parent_is_read_from_its_folder(fit_job, straight):
    settings = {**SETTINGS["ensemble"], "transfer": {"mode": "head"}, "model_settings": NETWORK | {"max_epochs": 3}}
    job = fit_job("child", ensemble=settings, members=[1], has_parent=True)
    parent = job.folder.path / "parent"
    parent.mkdir()
    for name in RESULTS:
        shutil.copy(straight.folder.path / name, parent)
    ended = job.run_here()
    assert ended.status == 0
    child, before = (decode_member(folder.read_bytes(name)).arrays for folder, name in (
        (ended.folder, "member_000.safetensors"), (straight.folder, "member_001.safetensors")))  # fmt: skip
    assert child["embedding.weight"].tobytes() == before["embedding.weight"].tobytes()
    assert child["output.weight"].tobytes() != before["output.weight"].tobytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"has_parent": True}, "transfer.mode is 'scratch'"),
        ({"ensemble": {"model": "cgcnn", "transfer": {"mode": "full"}}}, "no parent ensemble to begin with"),
    ],
)
def test_a_parent_without_a_mode_and_a_mode_without_a_parent(fit_job, changes, message):
    ended = fit_job(**SETTINGS | changes | {"members": [0]}).run_here()
    assert ended.status == 1
    assert ended.refused["label"] == "ERROR_INVALID_SETTINGS"
    assert message in ended.refused["message"]


def test_values_of_any_kind_need_no_references(fit_job):
    job = fit_job(baseline="none", ensemble={"model": "trees_gp", "members": 1, "target": "volume", "unit": "Å³"})
    (job.folder.path / "references.parquet").unlink()
    ended = job.run_here()
    assert ended.status == 0
    told = json.loads(ended.folder.read_bytes("ensemble.json"))
    assert (told["target"], told["unit"], told["calibration"]) == ("volume", "Å³", {"stage": "unrelaxed"})
