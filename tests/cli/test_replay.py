"""Campaigns on published results from the command line, where there is no AiiDA profile at all."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from aiida_mlhull.launching.replay import KEYS
from tests.cli.conftest import DEMO, Desk, run
from tests.docs.following import Reader

DFT = Path(__file__).parents[2] / "benchmarks" / "data" / "dft_al_mg_si"
SCRIPT = Path(sys.executable).parent / "aiida-mlhull"


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Of a user who has never heard of AiiDA."""
    inherited = {key: value for key, value in os.environ.items() if key != "AIIDA_PATH"}
    return {**inherited, "HOME": str(home), "TMPDIR": str(home), "PYTHONUNBUFFERED": "1", **variables}


def replay(desk: Desk, *more: object) -> list[str]:
    return [
        str(word)
        for word in (
            SCRIPT,
            "replay",
            desk.table(),
            "--references",
            DEMO / "competing_phases.parquet",
            "--elements",
            DEMO / "elements.json",
            "--scores",
            desk.folder / "scores.json",
            *more,
        )
    ]


def small(desk: Desk) -> Path:
    """Settings that let the campaign end after two rounds."""
    path = desk.folder / "small.yaml"
    path.write_text("start: 0.1\nbudget: 20\nensemble: {members: 2, blind_members: 1}\n")
    return path


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """The desk after a replay, and what it has printed."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    home = tmp_path_factory.mktemp("home")
    words = replay(desk, "--overrides", small(desk), "--seed", 4, "--output", desk.folder / "report")
    ran = subprocess.run(words, env=environment(home), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert not (home / ".aiida").exists(), "the user's home is none of our business"
    return desk, ran.stdout


@pytest.mark.slow
def test_the_scores_have_the_promised_names(replayed):
    desk, _ = replayed
    scores = json.loads((desk.folder / "scores.json").read_text())
    assert set(scores) == {*KEYS, "seconds", "details"}
    assert scores["n_candidates"] == 59
    assert scores["n_trained_on"] <= scores["n_relaxed"] <= 59
    assert scores["relaxations_saved_fraction"] == pytest.approx(1 - scores["n_relaxed"] / 59)
    assert scores["n_relaxed"] == 20
    assert 0 <= scores["recall_on_hull"] <= 1
    assert scores["hull_error_max_mev"] >= scores["hull_error_mean_mev"] >= 0
    assert scores["core_minutes"] > 605 * scores["n_relaxed"]
    assert scores["details"]["protocol"] == "laptop"


@pytest.mark.slow
def test_the_curve_ends_where_the_scores_say(replayed):
    desk, _ = replayed
    scores = json.loads((desk.folder / "scores.json").read_text())
    rows = list(csv.DictReader((desk.folder / "scores.curve.csv").open()))
    assert int(rows[-1]["relaxed"]) == scores["n_relaxed"]
    assert float(rows[-1]["recall_on_hull"]) == pytest.approx(scores["recall_on_hull"])
    assert float(rows[-1]["recall_25mev"]) == pytest.approx(scores["recall_25mev"])
    assert float(rows[-1]["hull_error_max_mev"]) == pytest.approx(scores["hull_error_max_mev"], abs=1e-6)
    recalls = [float(row["recall_25mev"]) for row in rows]
    assert recalls == sorted(recalls)


@pytest.mark.slow
def test_it_says_what_it_did(replayed):
    desk, output = replayed
    for words in (
        "59 rows read, 59 used",
        "the start set is raised",
        "There is no AiiDA profile, so this campaign gets its own",
        "59 candidates with protocol laptop, seed 4",
        "round 0:",
        "Against the truth",
        "final hull",
    ):
        assert words in output
    for name in ("candidates.csv", "results.csv", "rounds.csv"):
        assert (desk.folder / "report" / name).stat().st_size > 0


@pytest.mark.slow
def test_its_graph_can_be_asked(replayed, tmp_path):
    desk, _ = replayed
    words = [SCRIPT, "status", "--all"]
    there = environment(tmp_path, AIIDA_PATH=str(desk.folder / "report"))
    ran = subprocess.run(words, env=there, capture_output=True, text=True, check=True)
    assert "candidates" in ran.stdout
    assert "finished" in ran.stdout


@pytest.mark.slow
def test_control_c_leaves_a_message_and_no_traceback(desk, tmp_path):
    words = replay(desk, "--output", desk.folder / "stopped")
    process = subprocess.Popen(
        words, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    printed = ""
    while "round 0" not in printed:
        line = process.stdout.readline()
        assert line, printed
        printed += line
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Interrupted" in rest
    assert "Traceback" not in rest
    assert not (desk.folder / "scores.json").exists()
    listed = [Path(SCRIPT).with_name("verdi"), "process", "list", "--raw", "--project", "pk", "process_state"]
    there = environment(tmp_path, AIIDA_PATH=str(desk.folder / "stopped"))
    left = subprocess.run(listed, env=there, capture_output=True, text=True, check=True)
    assert not left.stdout.strip(), "a process that nobody runs is left behind"


@pytest.mark.slow
def test_a_staged_record_answers_every_stage_at_its_own_cost(tmp_path, monkeypatch):
    table = pd.read_parquet(DFT / "stages.parquet")
    summary = json.loads((DFT / "summary.json").read_text())
    (tmp_path / "elements.json").write_text(json.dumps(summary["references_ev_per_atom"]))
    gate = {"rule": "top_n", "rule_settings": {"n": 8}}
    names = table.groupby("stage")["core_minutes"].mean().sort_values().index.tolist()
    stages = [{"name": name, "engine": "recorded", "gate": gate if place else None} for place, name in enumerate(names)]
    overrides = tmp_path / "small.yaml"
    overrides.write_text(json.dumps({"start": 16, "stages": stages, "ensemble": {"members": 2, "blind_members": 0}}))
    words = {
        "coarse.xyz middle.xyz fine.xyz": str(DFT / "stages.parquet"),
        "unrelaxed.xyz": str(DFT / "candidates.parquet"),
        "phases.parquet": "elements.json",
        "--protocol ekstrom-2022": f"--overrides {overrides}",
    }
    here = {"TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    monkeypatch.chdir(tmp_path)
    page = Reader("docs/how-to/your-own-data.md", tmp_path, words=words, exported=here, part="tests/cli/test_replay.py")
    assert page.follow() == 1
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["n_candidates"] <= 81
    assert scores["n_relaxed"] <= 16 + 8
    assert 0 < scores["details"]["full_chains_fraction"] < 1


def test_what_belongs_to_levels_is_refused_without_them(desk):
    result = run(*replay(desk, "--prices", "5,60")[1:])
    assert result.exit_code != 0
    assert "belong to --levels" in result.output


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--protocol", "fast"), ["unknown protocol 'fast'", "laptop"]),
        (("--scores", "/nowhere/scores.json"), ["scores.json can't be written"]),
        (("--overrides", "nowhere.yaml"), ["nowhere.yaml' does not exist"]),
        (("--engine", "qe"), ["'qe'", "recorded", "potential"]),
    ],
)
def test_refusals(desk, more, said):
    result = run(*replay(desk, *more)[1:])
    assert result.exit_code != 0
    for words in said:
        assert words in result.output


def test_files_without_results(desk):
    import pyarrow.parquet as pq

    words = replay(desk)[1:]
    path = desk.folder / "candidates.parquet"
    table = pq.read_table(path)
    pq.write_table(table.select([name for name in table.column_names if not name.endswith("_relaxed")]), path)
    result = run(*words)
    assert result.exit_code != 0
    assert "holds no results to replay" in result.output
