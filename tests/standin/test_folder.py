"""The command in a job's folder: stopping, wall time, and what it does when something is missing."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aiida_mlhull.science.errors import MissingExtraError
from aiida_mlhull.standin import entry
from aiida_mlhull.standin.events import Append, Die, Exit, InputTexts, Replace, Sleep, packed, unpacked
from aiida_mlhull.standin.folder import FAULTS, WALL_TIME, Folder, wall_time
from tests.standin.cells import RELAX, inputs, skewed

PROGRAM = (sys.executable, "-m", "aiida_mlhull.standin")


def lay_out(path: Path, given: InputTexts) -> Path:
    """Write a job's input files."""
    path.mkdir(exist_ok=True)
    (path / "INCAR").write_text(given.incar)
    (path / "POSCAR").write_text(given.poscar)
    (path / "KPOINTS").write_text(given.kpoints)
    (path / "POTCAR").write_text(given.potcar)
    return path


def start(path: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """The command in a folder, without a server unless the environment says otherwise."""
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=path,
        env={**os.environ, "MLHULL_STANDIN_SERVER": "never", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path, text: str, *, seconds: float = 120.0) -> None:
    """Wait until a file holds a text."""
    until = time.monotonic() + seconds
    while not (path.exists() and text in path.read_text(errors="replace")):
        assert time.monotonic() < until, f"{path} never held {text!r}"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "event", [Append("OUTCAR", "ä\n"), Replace("CONTCAR", ""), Sleep(0.5), Die(signal.SIGKILL), Exit(3)]
)
def test_events_survive_the_line(event):
    assert unpacked(json.loads(json.dumps(packed(event)))) == event


@pytest.mark.parametrize("message", [{}, {"do": "laugh"}, {"do": "append", "file": "OUTCAR"}])
def test_other_messages_are_no_events(message):
    with pytest.raises(ValueError, match="not an event"):
        unpacked(message)


def test_only_the_headers_of_potcar_are_read(tmp_path):
    secret = "4.00 0.5328 -7.62 LICENSED DATA\n"
    given = inputs()
    lay_out(tmp_path, given)
    (tmp_path / "POTCAR").write_text(given.potcar + secret)
    read = Folder(tmp_path).inputs()
    assert "LICENSED" not in read.potcar
    assert read.potcar.count("TITEL") == 2


def test_a_wavecar_makes_a_restart(tmp_path, monkeypatch):
    monkeypatch.setenv(FAULTS, "killed")
    lay_out(tmp_path, inputs())
    assert not Folder(tmp_path).inputs().restarted
    (tmp_path / "WAVECAR").write_text("")
    assert not Folder(tmp_path).inputs().restarted
    (tmp_path / "WAVECAR").write_text("x")
    assert Folder(tmp_path).inputs().restarted
    assert Folder(tmp_path).inputs().faults == "killed"


@pytest.mark.parametrize(
    ("text", "stop"),
    [
        ("LSTOP = .TRUE.\n", "soft"),
        ("lstop=T", "soft"),
        ("LABORT = .TRUE.\nLSTOP = .TRUE.\n", "hard"),
        ("LSTOP = .FALSE.\n", ""),
        ("", ""),
    ],
)
def test_stopcars(tmp_path, text, stop):
    folder = Folder(tmp_path)
    assert folder.stop() == ""
    (tmp_path / "STOPCAR").write_text(text)
    assert folder.stop() == stop


@pytest.mark.parametrize(("tag", "word"), [("LSTOP", "soft stop encountered"), ("LABORT", "hard stop encountered")])
def test_a_stopped_run_ends_in_order(job, tmp_path, tag, word):
    (tmp_path / "STOPCAR").write_text(f"{tag} = .TRUE.\n")
    folder, status = job(structure=skewed(), **RELAX)
    assert status == 0
    outcar = (folder / "OUTCAR").read_text()
    assert word in outcar
    assert "General timing" in outcar
    assert (folder / "vasprun.xml").read_text().count("</calculation>") == 1


def test_the_wall_time_is_the_nearest_that_anybody_has_set(tmp_path, monkeypatch):
    monkeypatch.delenv(WALL_TIME, raising=False)
    monkeypatch.setattr("resource.getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    assert wall_time(tmp_path) is None
    monkeypatch.setattr("resource.getrlimit", lambda _: (600, 600))
    assert wall_time(tmp_path) == 600.0
    (tmp_path / ".aiida").mkdir()
    template = tmp_path / ".aiida" / "job_tmpl.json"
    template.write_text('{"max_wallclock_seconds": null}')
    assert wall_time(tmp_path) == 600.0
    template.write_text('{"max_wallclock_seconds": 90}')
    assert wall_time(tmp_path) == 90.0
    monkeypatch.setenv(WALL_TIME, "12.5")
    assert wall_time(tmp_path) == 12.5


def test_missing_files_are_named(tmp_path):
    lay_out(tmp_path, inputs())
    (tmp_path / "POTCAR").unlink()
    process = start(tmp_path)
    assert process.wait() == 1
    assert "POTCAR is missing" in process.stderr.read()
    assert not (tmp_path / "OUTCAR").exists()


def test_without_the_potential_the_extra_is_named(tmp_path, monkeypatch, capsys):
    def missing():
        raise MissingExtraError("pip install 'aiida-mlhull[potential]'")

    monkeypatch.chdir(lay_out(tmp_path, inputs()))
    monkeypatch.setenv("MLHULL_STANDIN_SERVER", "never")
    monkeypatch.setattr(entry, "load_potential", missing)
    monkeypatch.setattr(entry, "limit_wall_time", lambda _: None)
    assert entry.main([]) == 1
    assert "aiida-mlhull[potential]" in capsys.readouterr().err


def test_other_ranks_leave_the_work_to_the_first(tmp_path):
    lay_out(tmp_path, inputs())
    assert start(tmp_path, OMPI_COMM_WORLD_RANK="1").wait() == 0
    assert not (tmp_path / "OUTCAR").exists()


def test_version_and_help_are_loud_and_need_no_numpy():
    for argument in ("--version", "--help"):
        said = subprocess.run([*PROGRAM, argument], capture_output=True, text=True, check=True)
        assert "NOT" in said.stdout
    code = "import sys; from aiida_mlhull.standin import entry; print({'numpy', 'torch', 'aiida'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
