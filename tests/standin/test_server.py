"""A server that has the potential loaded: the same bytes, whichever process is killed, and no strangers."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from aiida_mlhull.standin import place
from aiida_mlhull.standin.folder import FAULTS, WALL_TIME
from aiida_mlhull.standin.link import SERVER, STATUS, STOP, alone, events_from_server, request
from tests.standin.cells import RELAX, inputs, skewed
from tests.standin.test_folder import PROGRAM, lay_out, start, wait_for

FILES = ("OUTCAR", "vasprun.xml", "CONTCAR", "OSZICAR")
JOB = {"structure": skewed(), **RELAX | {"NSW": 8}}


@pytest.fixture(scope="module")
def home():
    """A folder that only its owner can enter, with a path that a socket can have."""
    folder = Path(tempfile.mkdtemp(prefix="standin-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def listening(home, monkeypatch):
    """Where a server of this module listens."""
    monkeypatch.setenv(place.HOME, str(home))
    return place.listening_place()


@pytest.fixture
def server(listening):
    """A running server's process; started if the last test ended it."""
    pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")
    if request(listening, STATUS) is None:
        subprocess.run([*PROGRAM, "stop"], check=True, capture_output=True)
        started = subprocess.Popen([*PROGRAM, "serve", "--idle", "60"], stderr=subprocess.PIPE, text=True)
        assert "listening" in started.stderr.readline()
    return request(listening, STATUS)


@pytest.fixture(scope="module", autouse=True)
def end_server(home):
    """No server outlives its tests."""
    yield
    for path in home.glob("*.sock"):
        request(path, STOP)


def without_times(path: Path) -> str:
    """A file without what differs from run to run."""
    text = path.read_text()
    return re.sub(r"executed on.*|cpu time.*|<time .*|.*\((sec|kb)\):.*|name=\"(date|time)\".*", "", text)


def test_a_job_gets_the_same_bytes_from_a_server(server, listening, tmp_path, job):
    asked = lay_out(tmp_path / "asked", inputs(**JOB))
    assert start(asked, MLHULL_STANDIN_SERVER="use").wait() == 0
    assert request(listening, STATUS)["done"] == server["done"] + 1
    here, _ = job(**JOB)
    for name in FILES:
        assert without_times(asked / name) == without_times(here / name)


def test_jobs_side_by_side_do_not_disturb_each_other(server, tmp_path):
    folders = [lay_out(tmp_path / str(k), inputs(**JOB)) for k in range(4)]
    processes = [start(folder, MLHULL_STANDIN_SERVER="use") for folder in folders]
    assert [process.wait() for process in processes] == [0] * 4
    assert len({without_times(folder / "vasprun.xml") for folder in folders}) == 1


def test_refusals_and_faults_come_through(server, tmp_path):
    refused = lay_out(tmp_path / "refused", inputs(NSW=3))
    assert start(refused, MLHULL_STANDIN_SERVER="use").wait() == 1
    killed = lay_out(tmp_path / "killed", inputs(**RELAX))
    assert start(killed, MLHULL_STANDIN_SERVER="use", **{FAULTS: "killed"}).wait() == -signal.SIGKILL
    assert "</modeling>" not in (killed / "vasprun.xml").read_text()


def test_stopcar_is_seen(server, tmp_path):
    folder = lay_out(tmp_path / "stopped", inputs(**JOB))
    process = start(folder, MLHULL_STANDIN_SERVER="use", **{FAULTS: "slow 0.5"})
    wait_for(folder / "OUTCAR", "LOOP+")
    (folder / "STOPCAR").write_text("LSTOP = .TRUE.\n")
    assert process.wait() == 0
    assert "soft stop" in (folder / "OUTCAR").read_text()


def test_the_wall_time_kills_without_a_word_in_outcar(server, tmp_path):
    folder = lay_out(tmp_path / "late", inputs(**JOB))
    process = start(folder, MLHULL_STANDIN_SERVER="use", **{WALL_TIME: "2", FAULTS: "slow 60"})
    assert process.wait() == -signal.SIGKILL
    assert "wall time limit is reached" in process.stderr.read()
    assert "General timing" not in (folder / "OUTCAR").read_text()


def test_a_killed_job_ends_at_the_server_too(server, listening, tmp_path):
    folder = lay_out(tmp_path / "gone", inputs(**JOB))
    process = start(folder, MLHULL_STANDIN_SERVER="use", **{FAULTS: "slow 60"})
    wait_for(folder / "OUTCAR", "LOOP+")
    assert request(listening, STATUS)["running"] == 1
    process.kill()
    process.wait()
    until = time.monotonic() + 10.0
    while request(listening, STATUS)["running"]:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_killed_server_changes_nothing(server, listening, tmp_path, job):
    """The job starts once more, in its own process, and leaves nothing of the first try."""
    folder = lay_out(tmp_path / "orphan", inputs(**JOB))
    process = start(folder, MLHULL_STANDIN_SERVER="use", **{FAULTS: "slow 0.4"})
    wait_for(folder / "OUTCAR", "LOOP+")
    os.kill(server["pid"], signal.SIGKILL)
    assert process.wait() == 0
    assert "once more from the start" in process.stderr.read()
    here, _ = job(**JOB)
    for name in FILES:
        assert without_times(folder / name) == without_times(here / name)
    assert request(listening, STATUS) is None


def test_a_job_starts_a_server_where_none_is_and_it_ends_when_told(listening, tmp_path):
    pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")
    subprocess.run([*PROGRAM, "stop"], check=True, capture_output=True)
    folders = [lay_out(tmp_path / str(k), inputs(**JOB)) for k in range(2)]
    processes = [start(folder, MLHULL_STANDIN_SERVER="start") for folder in folders]
    assert [process.wait() for process in processes] == [0, 0]
    found = request(listening, STATUS)
    assert found["done"] == 2  # one server did both
    second = subprocess.run([*PROGRAM, "serve"], capture_output=True, text=True, check=True)
    assert "a server is there already" in second.stderr
    assert json.loads(subprocess.run([*PROGRAM, "stop"], capture_output=True, check=True).stdout)["pid"] == found["pid"]
    until = time.monotonic() + 10.0
    while listening.exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert subprocess.run([*PROGRAM, "status"], capture_output=True, text=True, check=False).stdout == "no server\n"


def test_a_server_that_ends_lets_its_jobs_finish_and_others_start(server, listening, tmp_path):
    folder = lay_out(tmp_path / "last", inputs(**JOB))
    process = start(folder, MLHULL_STANDIN_SERVER="use", **{FAULTS: "slow 1"})
    wait_for(folder / "OUTCAR", "LOOP+")
    request(listening, STOP)
    until = time.monotonic() + 10.0
    while listening.exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    with alone(listening) as free:
        assert free
    assert process.poll() is None
    assert process.wait() == 0
    assert "once more" not in process.stderr.read()


def test_an_idle_server_ends(network, listening):
    from aiida_mlhull.standin.server import serve

    assert serve(listening, lambda: network, idle_seconds=0.3)
    assert not listening.exists()


def test_one_server_at_a_time(listening):
    with alone(listening) as first, alone(listening) as second:
        assert (first, second) == (True, False)


def test_the_folder_is_the_owner_s_alone(tmp_path, monkeypatch):
    private, open_to_all = tmp_path / "private", tmp_path / "open"
    monkeypatch.setattr(place, "LONGEST", 1000)
    monkeypatch.setenv(place.HOME, str(private))
    assert stat.S_IMODE(place.listening_place().parent.stat().st_mode) == 0o700
    open_to_all.mkdir(mode=0o755)
    monkeypatch.setenv(place.HOME, str(open_to_all))
    with pytest.raises(place.UnsafePlaceError, match="chmod 700"):
        place.listening_place()
    link = tmp_path / "link"
    link.symlink_to(private)
    monkeypatch.setenv(place.HOME, str(link))
    with pytest.raises(place.UnsafePlaceError):
        place.listening_place()


def test_long_paths_give_way_to_a_short_one(tmp_path, monkeypatch):
    monkeypatch.setenv(place.HOME, str(tmp_path / ("x" * 120)))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path)[:40])
    found = place.listening_place()
    assert found.parent.name == f"aiida-mlhull-{os.geteuid()}"


def test_an_unsafe_folder_means_no_server(tmp_path, monkeypatch, capsys):
    """The job says so, and does without."""
    tmp_path.chmod(0o755)
    monkeypatch.setenv(place.HOME, str(tmp_path))
    monkeypatch.setenv(SERVER, "start")
    assert events_from_server(inputs(), stop=str) is None
    assert "no server is asked" in capsys.readouterr().err


def test_nobody_listening_and_no_server_wanted(listening, monkeypatch):
    subprocess.run([*PROGRAM, "stop"], check=True, capture_output=True)
    for mode in ("use", "never"):
        monkeypatch.setenv(SERVER, mode)
        assert events_from_server(inputs(), stop=str) is None
